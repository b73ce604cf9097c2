import Disk
import PikettTesting
import Site
import Testing

/// A small site of `data/fixtures/sites`, read as the program reads it.
func fixtureReading(_ name: String) throws -> SiteReading {
  let data = try #require(packageRoot(above: #filePath)) + "/data"
  let tree = readTree("\(data)/fixtures/sites/\(name)", on: RealFilesystem())
  try #require(tree.faults.isEmpty)
  var files = tree.files
  for directory in tree.directories { files[directory + "/"] = [] }
  return SiteReading(files: files, builtInProviders: readTree("\(data)/sms", on: RealFilesystem()).files)
}

/// A disk that knows Rome's zone and no other, whatever this machine knows.
func diskWithOneZone() throws -> MemoryFilesystem {
  let disk = MemoryFilesystem()
  try disk.makeDirectory("/usr/share/zoneinfo/Europe")
  try disk.create("/usr/share/zoneinfo/Europe/Rome", Array("TZif2".utf8), sync: true)
  return disk
}
