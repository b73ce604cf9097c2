import Demo
import Disk
@preconcurrency import Glibc
import Logging
import Switchboard

// The demo as a program of its own, started by `pikett demo` with the directory in which everything is left.

func complain(_ text: String) { fputs("pikett: \(text)\n", stderr) }

LoggingSystem.bootstrap { _ in LogLines(level: .error) }
setvbuf(stdout, nil, _IOLBF, 0)
signal(SIGPIPE, SIG_IGN)

let installation = Installation()
guard CommandLine.arguments.count == 2 else {
  complain("usage: pikett-demo DIR")
  exit(64)
}
guard let deliveryProgram = installation.helper("pikett-delivery") else {
  complain("\(installation.executable): pikett-delivery is not beside it; expected it there or in ../libexec/pikett")
  exit(69)
}
do {
  let demo = DemoCall(
    directory: CommandLine.arguments[1], data: try installation.dataDirectory(), deliveryProgram: deliveryProgram
  ) { print($0) }
  exit(await demo.run(logger: Logger(label: "pikett")) ? 0 : 1)
} catch {
  complain("\(error)")
  exit(69)
}
