// libcurl's easy interface as typed functions: its own are variadic, which Swift does not import. The parentheses around
// (curl_easy_setopt) bypass curl's type-check macros.
#ifndef PIKETT_CCURL_H
#define PIKETT_CCURL_H

#include <curl/curl.h>
#include <stdint.h>
#include <string.h>

/// The beginning of an answer's body: `capacity` bytes at most are kept, the rest ends the transfer.
typedef struct {
  uint8_t *bytes;
  size_t count;
  size_t capacity;
} ccurl_body;

static inline size_t ccurl_keep(char *data, size_t size, size_t count, void *context) {
  ccurl_body *body = (ccurl_body *)context;
  size_t offered = size * count;
  size_t room = body->capacity - body->count;
  size_t taken = offered < room ? offered : room;
  memcpy(body->bytes + body->count, data, taken);
  body->count += taken;
  return taken;
}

static inline CURLcode ccurl_start(void) { return curl_global_init(CURL_GLOBAL_DEFAULT); }

static inline CURL *ccurl_new(void) { return curl_easy_init(); }

static inline void ccurl_free(CURL *handle) { curl_easy_cleanup(handle); }

static inline CURLcode ccurl_set_url(CURL *handle, const char *url) {
  return (curl_easy_setopt)(handle, CURLOPT_URL, url);
}

static inline CURLcode ccurl_set_method(CURL *handle, const char *method) {
  return (curl_easy_setopt)(handle, CURLOPT_CUSTOMREQUEST, method);
}

/// Copies the body.
static inline CURLcode ccurl_set_body(CURL *handle, const uint8_t *bytes, int64_t count) {
  CURLcode code = (curl_easy_setopt)(handle, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)count);
  return code != CURLE_OK ? code : (curl_easy_setopt)(handle, CURLOPT_COPYPOSTFIELDS, (const char *)bytes);
}

static inline CURLcode ccurl_set_headers(CURL *handle, struct curl_slist *headers) {
  return (curl_easy_setopt)(handle, CURLOPT_HTTPHEADER, headers);
}

static inline CURLcode ccurl_set_user_agent(CURL *handle, const char *name) {
  return (curl_easy_setopt)(handle, CURLOPT_USERAGENT, name);
}

/// Milliseconds for all, and for the connection alone.
static inline CURLcode ccurl_set_timeouts(CURL *handle, long all, long connection) {
  CURLcode code = (curl_easy_setopt)(handle, CURLOPT_TIMEOUT_MS, all);
  return code != CURLE_OK ? code : (curl_easy_setopt)(handle, CURLOPT_CONNECTTIMEOUT_MS, connection);
}

/// HTTP and HTTPS only, no redirects, certificates verified, no signals.
static inline CURLcode ccurl_set_cautious(CURL *handle) {
  CURLcode code = (curl_easy_setopt)(handle, CURLOPT_NOSIGNAL, 1L);
  if (code == CURLE_OK) code = (curl_easy_setopt)(handle, CURLOPT_FOLLOWLOCATION, 0L);
  if (code == CURLE_OK) code = (curl_easy_setopt)(handle, CURLOPT_SSL_VERIFYPEER, 1L);
  if (code == CURLE_OK) code = (curl_easy_setopt)(handle, CURLOPT_SSL_VERIFYHOST, 2L);
#if LIBCURL_VERSION_NUM >= 0x075500
  if (code == CURLE_OK) code = (curl_easy_setopt)(handle, CURLOPT_PROTOCOLS_STR, "http,https");
#else
  if (code == CURLE_OK) code = (curl_easy_setopt)(handle, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
  return code;
}

static inline CURLcode ccurl_set_target(CURL *handle, ccurl_body *body) {
  CURLcode code = (curl_easy_setopt)(handle, CURLOPT_WRITEFUNCTION, ccurl_keep);
  return code != CURLE_OK ? code : (curl_easy_setopt)(handle, CURLOPT_WRITEDATA, body);
}

static inline CURLcode ccurl_perform(CURL *handle) { return curl_easy_perform(handle); }

/// The answer's status; 0 if there was none.
static inline long ccurl_status(CURL *handle) {
  long status = 0;
  (curl_easy_getinfo)(handle, CURLINFO_RESPONSE_CODE, &status);
  return status;
}

static inline const char *ccurl_problem(CURLcode code) { return curl_easy_strerror(code); }

#endif
