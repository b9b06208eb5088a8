/* A small load client for an LXD style /1.0/events WebSocket server on a Unix socket, the same for every server compared.
 *
 *   lxd_fanout listen SOCKET PATH LISTENERS STALLED TIMEOUT_SECONDS
 *   lxd_fanout gen    SOCKET METHOD PATH CONNECTIONS SECONDS RATE [BODY_FILE LINES]
 *
 * "listen" holds LISTENERS WebSockets in one epoll thread and STALLED more that read the upgrade's answer and then never
 * again. It prints "ready" when all are connected, which must not take longer than the time-out; once standard input has
 * ended and nothing has come for a second, or the time is up, one line of JSON: frames, deliveries a second from the first
 * frame to the last, how often an event's own "timestamp" was older than one its listener had before, and the time since
 * that timestamp (receive time minus it, same clock, CLOCK_REALTIME), which is taken at every 25th listener only.
 * stalled_bytes is what waits in the sockets of those that never read, stalled_closed how many of these the server has
 * closed. It parses frame headers and timestamps only: one processor second is enough for 6 million frames of 300 bytes.
 *
 * "gen" keeps CONNECTIONS keep-alive connections busy, each sending its next request when the last is answered; with a RATE
 * that isn't 0, so many requests a second together. With a BODY_FILE every request carries its next LINES lines, from the
 * start again after its end; where a line says 0000-00-00T00:00:00.000000000Z the time of sending is put in, one nanosecond
 * later for every event of a request. It prints one line of JSON: requests answered with 2xx, others, and the time to the
 * whole answer.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define BUFFER_BYTES (256 * 1024)
#define ANSWER_BYTES (16 * 1024)
#define LATENCY_EVERY 25
#define QUIET_S 1.0
static const char STAMP[] = "0000-00-00T00:00:00.000000000Z";
#define STAMP_SIZE (sizeof STAMP - 1)

typedef struct {
  int fd, filled, sampled, greeted, closed;
  uint64_t frames;
  int64_t newest_ns;
  char *buffer;
} listener;

typedef struct {
  int fd, filled;
  double sent;
  char answer[ANSWER_BYTES];
} sender;

typedef struct {
  char *text;
  size_t size, first_stamp, stamps;
} body;

static uint64_t frames, bytes, disordered, closed;
static float *times_ms;
static size_t time_count, time_room;

static double clock_s(clockid_t which) {
  struct timespec t;
  clock_gettime(which, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static int64_t wall_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static double cpu_s(void) {
  struct rusage used;
  getrusage(RUSAGE_SELF, &used);
  return used.ru_utime.tv_sec + used.ru_stime.tv_sec + (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static int dial(const char *path) {
  struct sockaddr_un to = {.sun_family = AF_UNIX};
  strncpy(to.sun_path, path, sizeof to.sun_path - 1);
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  while (connect(fd, (struct sockaddr *)&to, sizeof to)) {
    if (errno != EAGAIN) fail("connect"); /* the server's backlog is full for a moment */
    usleep(2000);
  }
  return fd;
}

static void watch(int epoll, int fd, void *whom) {
  struct epoll_event wanted = {.events = EPOLLIN, .data.ptr = whom};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &wanted)) fail("epoll_ctl");
}

static void note_time(double ms) {
  if (time_count == time_room) {
    time_room = time_room ? 2 * time_room : 1 << 20;
    if (!(times_ms = realloc(times_ms, time_room * sizeof *times_ms))) fail("realloc");
  }
  times_ms[time_count++] = ms;
}

static int by_size(const void *a, const void *b) {
  float x = *(const float *)a, y = *(const float *)b;
  return (x > y) - (x < y);
}

static double at_share(double share) {
  return time_count ? times_ms[(size_t)((time_count - 1) * share)] : 0;
}

/* The event's "timestamp" in nanoseconds, 0 without one. It must be in UTC. */
static int64_t event_ns(const char *text, size_t size) {
  static char day[10];
  static int64_t day_s;
  const char *at = memmem(text, size < 400 ? size : 400, "\"timestamp\":\"", 13);
  if (!at || text + size - (at += 13) < 20) return 0;
  if (memcmp(day, at, sizeof day)) {
    struct tm midnight = {.tm_year = atoi(at) - 1900, .tm_mon = atoi(at + 5) - 1, .tm_mday = atoi(at + 8)};
    day_s = timegm(&midnight);
    memcpy(day, at, sizeof day);
  }
#define PAIR(p) ((at[p] - '0') * 10 + at[(p) + 1] - '0')
  int64_t fraction = 0, unit = 1000000000;
  if (at[19] == '.')
    for (const char *digit = at + 20; *digit >= '0' && *digit <= '9' && unit > 1; digit++, unit /= 10)
      fraction = fraction * 10 + *digit - '0';
  else
    unit = 1;
  return (day_s + PAIR(11) * 3600 + PAIR(14) * 60 + PAIR(17)) * 1000000000 + fraction * unit;
}

static void take_text(listener *l, const char *text, size_t size) {
  frames++;
  bytes += size;
  l->frames++;
  int64_t happened = event_ns(text, size);
  if (!happened) return;
  if (happened < l->newest_ns) disordered++;
  else l->newest_ns = happened;
  if (l->sampled) note_time((wall_ns() - happened) / 1e6);
}

static void pong(listener *l, const char *payload, size_t size) {
  unsigned char frame[6 + 125] = {0x8a, 0x80 | size}; /* the mask is four zeros, so the payload stays as it is */
  memcpy(frame + 6, payload, size);
  if (write(l->fd, frame, 6 + size) < 0 && errno != EAGAIN) l->closed = 1;
}

static void take_frames(listener *l) {
  char *at = l->buffer, *end = l->buffer + l->filled;
  while (end - at >= 2) {
    int code = at[0] & 15;
    size_t head = 2, size = at[1] & 127;
    if (size >= 126) {
      int extra = size == 126 ? 2 : 8;
      if (end - at < 2 + extra) break;
      size = 0;
      for (int i = 0; i < extra; i++) size = size << 8 | (uint8_t)at[2 + i];
      head += extra;
    }
    if ((size_t)(end - at) < head + size) break;
    if (code == 1) take_text(l, at + head, size);
    else if (code == 9 && size <= 125) pong(l, at + head, size);
    else if (code == 8) l->closed = 1;
    at += head + size;
  }
  l->filled = end - at;
  memmove(l->buffer, at, l->filled);
}

/* Whether the connection goes on. */
static int read_some(listener *l) {
  ssize_t got = read(l->fd, l->buffer + l->filled, BUFFER_BYTES - l->filled);
  if (got < 0 && errno == EAGAIN) return 1;
  if (got <= 0) return 0;
  l->filled += got;
  take_frames(l);
  return !l->closed && l->filled < BUFFER_BYTES;
}

/* Connect and read the answer to the upgrade byte by byte: what follows it are frames already. */
static int open_listener(const char *socket, const char *path) {
  char head[4096];
  size_t size = 0;
  int fd = dial(socket);
  int length = snprintf(head, sizeof head, "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", path);
  if (write(fd, head, length) != length) fail("write");
  do {
    if (size == sizeof head - 1 || read(fd, head + size, 1) != 1) fail("upgrade");
    head[++size] = 0;
  } while (size < 4 || memcmp(head + size - 4, "\r\n\r\n", 4));
  if (strncmp(head, "HTTP/1.1 101", 12)) {
    fprintf(stderr, "no upgrade: %s\n", head);
    exit(1);
  }
  return fd;
}

static void print_heard(const listener *all, int count, const int *stalled, int stalled_count, double span_s) {
  uint64_t least = UINT64_MAX, most = 0, waiting = 0;
  int stalled_closed = 0, unread;
  for (int i = 0; i < count; i++) {
    if (all[i].frames < least) least = all[i].frames;
    if (all[i].frames > most) most = all[i].frames;
  }
  for (int i = 0; i < stalled_count; i++) {
    struct pollfd look = {.fd = stalled[i]};
    poll(&look, 1, 0);
    if (look.revents & (POLLHUP | POLLERR)) stalled_closed++;
    if (!ioctl(stalled[i], FIONREAD, &unread)) waiting += unread;
  }
  qsort(times_ms, time_count, sizeof *times_ms, by_size);
  printf("{\"frames\":%lu,\"bytes\":%lu,\"least\":%lu,\"most\":%lu,\"span_s\":%.3f,\"per_s\":%.1f,\"disordered\":%lu,"
         "\"closed\":%lu,\"p50_ms\":%.4f,\"p99_ms\":%.4f,\"max_ms\":%.4f,\"cpu_s\":%.2f,\"stalled_bytes\":%lu,"
         "\"stalled_closed\":%d}\n", frames, bytes, least, most, span_s, span_s > 0 ? frames / span_s : 0, disordered,
         closed, at_share(.5), at_share(.99), at_share(1), cpu_s(), waiting, stalled_closed);
}

static int listen_all(char **words) {
  int count = atoi(words[2]), stalled_count = atoi(words[3]), epoll = epoll_create1(0);
  listener *all = calloc(count, sizeof *all), control = {0};
  int *stalled = calloc(stalled_count + 1, sizeof *stalled);
  alarm(atoi(words[4])); /* for a server that doesn't answer */
  for (int i = 0; i < stalled_count; i++) stalled[i] = open_listener(words[0], words[1]);
  for (int i = 0; i < count; i++) {
    listener *l = all + i;
    l->fd = open_listener(words[0], words[1]);
    l->sampled = i % LATENCY_EVERY == 0;
    l->buffer = malloc(BUFFER_BYTES);
    fcntl(l->fd, F_SETFL, O_NONBLOCK);
    watch(epoll, l->fd, l);
  }
  alarm(0);
  watch(epoll, STDIN_FILENO, &control);
  printf("ready\n");
  fflush(stdout);
  struct epoll_event ready[256];
  double first = 0, last = clock_s(CLOCK_MONOTONIC), now = last, end = last + atof(words[4]), told = 0;
  while (now < end && !(told && now > told + QUIET_S && now > last + QUIET_S)) {
    int found = epoll_wait(epoll, ready, 256, 100);
    uint64_t before = frames;
    for (int i = 0; i < found; i++) {
      listener *l = ready[i].data.ptr;
      if (l == &control) {
        told = clock_s(CLOCK_MONOTONIC);
        epoll_ctl(epoll, EPOLL_CTL_DEL, STDIN_FILENO, NULL);
      } else if (!read_some(l)) {
        epoll_ctl(epoll, EPOLL_CTL_DEL, l->fd, NULL);
        closed++;
      }
    }
    now = clock_s(CLOCK_MONOTONIC);
    if (frames == before) continue; /* a ping is no delivery */
    last = now;
    if (!first) first = now;
  }
  print_heard(all, count, stalled, stalled_count, first ? last - first : 0);
  return 0;
}

static body *bodies;
static size_t body_count, next_body, sent_count, answered, refused;
static char **stamps;

/* Cut the file into bodies and note where times belong. */
static void read_bodies(const char *path, int lines) {
  FILE *file = fopen(path, "r");
  if (!file || fseek(file, 0, SEEK_END)) fail(path);
  size_t size = ftell(file), stamp_count = 0;
  char *text = calloc(1, size + 1), *at = text;
  rewind(file);
  if (fread(text, 1, size, file) != size) fail(path);
  fclose(file);
  while (at < text + size) {
    char *from = at;
    for (int i = 0; i < lines && at < text + size; i++) {
      char *end = strchr(at, '\n');
      at = end ? end + 1 : text + size;
    }
    bodies = realloc(bodies, (body_count + 1) * sizeof *bodies);
    body *b = &bodies[body_count++];
    *b = (body){from, at - from, stamp_count, 0};
    for (char *here = from; (here = memmem(here, at - here, STAMP, STAMP_SIZE)); here += STAMP_SIZE, b->stamps++) {
      stamps = realloc(stamps, (stamp_count + 1) * sizeof *stamps);
      stamps[stamp_count++] = here;
    }
  }
}

static void put_times(const body *b) {
  int64_t ns = wall_ns();
  for (size_t i = 0; i < b->stamps; i++, ns++) {
    char text[64];
    struct tm utc;
    time_t seconds = ns / 1000000000;
    size_t size = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", gmtime_r(&seconds, &utc));
    snprintf(text + size, sizeof text - size, ".%09dZ", (int)(ns % 1000000000));
    memcpy(stamps[b->first_stamp + i], text, STAMP_SIZE);
  }
}

static void send_next(sender *s, const char *method, const char *path) {
  body none = {"", 0, 0, 0}, *b = body_count ? &bodies[next_body++ % body_count] : &none;
  char head[1024];
  int size = snprintf(head, sizeof head, "%s %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\n"
                      "Content-Length: %zu\r\n\r\n", method, path, b->size);
  s->filled = 0;
  s->sent = clock_s(CLOCK_MONOTONIC);
  put_times(b);
  struct iovec parts[] = {{head, size}, {b->text, b->size}};
  if (writev(s->fd, parts, 2) != (ssize_t)(size + b->size)) fail("write of a request");
  sent_count++;
}

/* Whether the answer is whole now. */
static int read_answer(sender *s) {
  ssize_t got = read(s->fd, s->answer + s->filled, ANSWER_BYTES - 1 - s->filled);
  if (got <= 0) fail("read of an answer");
  s->answer[s->filled += got] = 0;
  char *end = strstr(s->answer, "\r\n\r\n"), *length = strcasestr(s->answer, "\r\ncontent-length:");
  if (!end || s->filled < end + 4 - s->answer + (length && length < end ? atoi(length + 17) : 0)) return 0;
  note_time((clock_s(CLOCK_MONOTONIC) - s->sent) * 1e3);
  if (s->answer[9] == '2') answered++;
  else if (!refused++) fprintf(stderr, "%s\n", s->answer);
  return 1;
}

static int generate(int count, char **words) {
  const char *method = words[1], *path = words[2];
  int connections = atoi(words[3]), idle_count = 0, epoll = epoll_create1(0);
  double seconds = atof(words[4]), rate = atof(words[5]);
  if (count > 6) read_bodies(words[6], atoi(words[7]));
  sender *all = calloc(connections, sizeof *all), **idle = calloc(connections, sizeof *idle);
  for (int i = 0; i < connections; i++) {
    all[i].fd = dial(words[0]);
    watch(epoll, all[i].fd, &all[i]);
    idle[idle_count++] = &all[i];
  }
  struct epoll_event ready[64];
  double began = clock_s(CLOCK_MONOTONIC), passed = 0;
  while (passed < seconds || idle_count < connections) {
    while (passed < seconds && idle_count && (!rate || sent_count < passed * rate)) send_next(idle[--idle_count], method, path);
    int found = epoll_wait(epoll, ready, 64, rate ? 1 : 100);
    for (int i = 0; i < found; i++)
      if (read_answer(ready[i].data.ptr)) idle[idle_count++] = ready[i].data.ptr;
    passed = clock_s(CLOCK_MONOTONIC) - began;
  }
  qsort(times_ms, time_count, sizeof *times_ms, by_size);
  printf("{\"answered\":%zu,\"refused\":%zu,\"seconds\":%.3f,\"p50_ms\":%.4f,\"p99_ms\":%.4f,\"cpu_s\":%.2f}\n",
         answered, refused, passed, at_share(.5), at_share(.99), cpu_s());
  return 0;
}

int main(int count, char **words) {
  if (count == 7 && !strcmp(words[1], "listen")) return listen_all(words + 2);
  if ((count == 8 || count == 10) && !strcmp(words[1], "gen")) return generate(count - 2, words + 2);
  fprintf(stderr, "usage: lxd_fanout listen SOCKET PATH LISTENERS STALLED TIMEOUT_SECONDS\n"
                  "       lxd_fanout gen SOCKET METHOD PATH CONNECTIONS SECONDS RATE [BODY_FILE LINES]\n");
  return 2;
}
