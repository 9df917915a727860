/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmm/stub.h"
#include "base/file.h"

#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TIMEOUT UINT64_C(5000000000)
#define PACKET_MAX 4096 /* what QEMU itself holds to */
#define NAME "ktdbg-stub"

/* QEMU's words for what a step is to do without. */
#define STEP_ENABLE 1
#define STEP_NO_INTERRUPTS 2
#define STEP_NO_TIMERS 4

struct stub {
	int fd;
	bool kvm;
	unsigned int step_flags; /* as QEMU knows them; 0: not told yet */
	char in[PACKET_MAX];
	size_t len;
	struct machine_break inserted[MACHINE_BREAKS_MAX];
	unsigned int count;
};

/* ---- packets ---- */

static struct err *broken(const char *why)
{
	return err_new(ERR_QMP, "qemu's debug stub: %s", why);
}

/* QEMU up to 8 tells of every stop, whoever asked for it. */
static void drop_stale(struct stub *s)
{
	do
		s->len = 0;
	while (recv(s->fd, s->in, sizeof(s->in), MSG_DONTWAIT) > 0);
}

static struct err *send_packet(struct stub *s, const char *text)
{
	unsigned int sum = 0;
	char packet[256];
	int n;

	drop_stale(s);
	for (const char *c = text; *c; c++)
		sum += (unsigned char)*c;
	/* The plus is for the reply before. */
	n = snprintf(packet, sizeof(packet), "+$%s#%02x", text, sum & 0xff);
	return send(s->fd, packet, (size_t)n, MSG_NOSIGNAL) == n ? NULL
								 : broken("it does not listen");
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The next whole packet in what was received, without its frame; false: there is none yet. */
static bool take_packet(struct stub *s, char ret[PACKET_MAX])
{
	char *start = memchr(s->in, '$', s->len), *end;
	size_t left = start ? s->len - (size_t)(start - s->in) : 0;

	end = start ? memchr(start, '#', left) : NULL;
	if (!end || (size_t)(end - start) + 3 > left)
		return false;
	memcpy(ret, start + 1, (size_t)(end - start) - 1);
	ret[end - start - 1] = '\0';
	s->len = left - ((size_t)(end - start) + 3);
	memmove(s->in, end + 3, s->len);
	return true;
}

/* Up to `timeout_ns` for a packet; *found false: none came. */
static struct err *receive(struct stub *s, uint64_t timeout_ns, bool *found, char ret[PACKET_MAX])
{
	uint64_t end = host_now() + timeout_ns, now;

	for (;;) {
		struct pollfd fd = {.fd = s->fd, .events = POLLIN};
		struct timespec wait;
		ssize_t n;

		*found = take_packet(s, ret);
		if (*found)
			return NULL;
		if (s->len == sizeof(s->in))
			return broken("a reply of more than 4 KiB");
		now = host_now();
		wait = (struct timespec){
			.tv_sec = now < end ? (time_t)((end - now) / 1000000000) : 0,
			.tv_nsec = now < end ? (long)((end - now) % 1000000000) : 0};
		n = ppoll(&fd, 1, &wait, NULL);
		if (n == 0 || (n < 0 && errno == EINTR))
			return NULL;
		n = recv(s->fd, s->in + s->len, sizeof(s->in) - s->len, MSG_DONTWAIT);
		if (n <= 0)
			return broken("it hung up");
		s->len += (size_t)n;
	}
}

static struct err *ask(struct stub *s, const char *text, char ret[PACKET_MAX])
{
	bool found;

	ERR_TRY(send_packet(s, text));
	ERR_TRY(receive(s, TIMEOUT, &found, ret));
	return found ? NULL : err_new(ERR_TIMEOUT, "qemu's debug stub did not answer in time");
}

static struct err *expect_ok(struct stub *s, const char *text)
{
	char reply[PACKET_MAX];

	ERR_TRY(ask(s, text, reply));
	return strcmp(reply, "OK") == 0 ? NULL : broken("it refused");
}

/* ---- what is inserted ---- */

/* Debug registers watch 1, 2, 4 or 8 bytes, aligned. */
static uint32_t watch_length(const struct machine_break *what, uint64_t at)
{
	uint64_t left = what->address + what->length - at;
	uint32_t length = 8;

	while (at % length || length > left)
		length /= 2;
	return length;
}

static struct err *change_one(struct stub *s, char how, enum break_kind kind, uint64_t address,
			      uint32_t length)
{
	char text[64], reply[PACKET_MAX];

	snprintf(text, sizeof(text), "%c%d,%" PRIx64 ",%x", how, kind == BREAK_WRITE ? 2 : 1,
		 address, length);
	ERR_TRY(ask(s, text, reply));
	if (strcmp(reply, "OK") == 0)
		return NULL;
	if (s->kvm)
		return err_new(ERR_REFUSED,
			       "KVM has four debug registers for all places to stop at, of up "
			       "to 8 bytes");
	return err_new(ERR_REFUSED, "qemu refuses to stop at 0x%" PRIx64, address);
}

/* Some of what is to be taken away may never have come to be. */
static struct err *change(struct stub *s, char how, const struct machine_break *what)
{
	struct err *err = NULL;

	if (what->kind != BREAK_WRITE)
		return change_one(s, how, what->kind, what->address, 1);
	if (!s->kvm)
		return change_one(s, how, what->kind, what->address, what->length);
	for (uint64_t at = what->address; !err && at < what->address + what->length;) {
		uint32_t length = watch_length(what, at);

		err = change_one(s, how, what->kind, at, length);
		at += length;
	}
	return err;
}

/* Its place among what is inserted; `count`: it is not. */
static unsigned int find(const struct stub *s, const struct machine_break *what)
{
	unsigned int i = 0;

	while (i < s->count &&
	       (s->inserted[i].kind != what->kind || s->inserted[i].address != what->address ||
		s->inserted[i].length != what->length))
		i++;
	return i;
}

struct err *stub_insert(struct stub *s, const struct machine_break *what)
{
	struct err *err;

	if (find(s, what) < s->count)
		return NULL;
	if (s->count == MACHINE_BREAKS_MAX)
		return err_new(ERR_REFUSED, "at most %d places to stop at", MACHINE_BREAKS_MAX);
	err = change(s, 'Z', what);
	if (err)
		err_free(change(s, 'z', what));
	else
		s->inserted[s->count++] = *what;
	return err;
}

struct err *stub_remove(struct stub *s, const struct machine_break *what)
{
	unsigned int i = find(s, what);
	struct machine_break gone;

	if (i == s->count)
		return NULL;
	gone = s->inserted[i];
	s->inserted[i] = s->inserted[--s->count];
	return change(s, 'z', &gone);
}

/* ---- registers ---- */

static bool parse_hex(const char **text, unsigned int bytes, uint64_t *ret)
{
	uint64_t value = 0;

	for (unsigned int i = 0; i < bytes; i++) {
		int high = hex_digit((*text)[0]), low = high < 0 ? -1 : hex_digit((*text)[1]);

		if (low < 0)
			return false;
		value |= (uint64_t)(high << 4 | low) << (8 * i);
		*text += 2;
	}
	*ret = value;
	return true;
}

struct err *stub_registers(struct stub *s, struct cpu_registers *ret)
{
	struct cpu_registers registers;
	char reply[PACKET_MAX];
	const char *text = reply;

	ERR_TRY(ask(s, "g", reply));
	for (int r = 0; r < REG_COUNT; r++)
		if (!parse_hex(&text, r < REG_RFLAGS ? 8 : 4, &registers.value[r]))
			return broken("registers that are none");
	*ret = registers;
	return NULL;
}

/* The length of the instruction that begins `code` if it does nothing, else 0. With KVM the
 * processor itself may wait for an endbr64. */
static unsigned int idle_length(const uint8_t code[9], bool kvm)
{
	static const struct {
		uint8_t len, code[4];
	} idle[] = {
		{4, {0xf3, 0x0f, 0x1e, 0xfa}}, /* endbr64, */
		{4, {0x0f, 0x1f, 0x40, 0x00}}, /* and what the kernel puts in its place, */
		{5, {0x0f, 0x1f, 0x44, 0x00}}, /* or ftrace in place of a call */
		{4, {0x66, 0x0f, 0x1f, 0x00}}, /* of newer kernels */
		{3, {0x0f, 0x1f, 0x00}},
	};

	for (size_t i = kvm; i < sizeof(idle) / sizeof(idle[0]); i++)
		if (!memcmp(code, idle[i].code, idle[i].len < 4 ? idle[i].len : 4))
			return idle[i].len;
	return 0;
}

static struct err *read_code(struct stub *s, uint64_t pc, uint8_t ret[9])
{
	char question[32], reply[PACKET_MAX];
	const char *text = reply;
	uint64_t byte;

	snprintf(question, sizeof(question), "m%" PRIx64 ",9", pc);
	ERR_TRY(ask(s, question, reply));
	for (int i = 0; i < 9; i++) {
		if (!parse_hex(&text, 1, &byte))
			return broken("code that is none");
		ret[i] = (uint8_t)byte;
	}
	return NULL;
}

struct err *stub_skip(struct stub *s, uint64_t pc, bool *ret)
{
	uint8_t code[9];
	unsigned int length;
	char text[32];

	ERR_TRY(read_code(s, pc, code));
	length = idle_length(code, s->kvm);
	*ret = length != 0;
	if (!length)
		return NULL;
	snprintf(text, sizeof(text), "P%x=%016" PRIx64, REG_RIP, __builtin_bswap64(pc + length));
	return expect_ok(s, text);
}

/* ---- running ---- */

struct err *stub_continue(struct stub *s)
{
	return send_packet(s, "c");
}

static struct err *set_step_flags(struct stub *s, unsigned int flags)
{
	char text[32];

	if (flags == s->step_flags)
		return NULL;
	snprintf(text, sizeof(text), "Qqemu.sstep=%x", flags);
	ERR_TRY(expect_ok(s, text));
	s->step_flags = flags;
	return NULL;
}

struct err *stub_step(struct stub *s, unsigned int cpu, bool alone)
{
	char text[32];

	ERR_TRY(set_step_flags(s, STEP_ENABLE | STEP_NO_INTERRUPTS | (alone ? STEP_NO_TIMERS : 0)));
	snprintf(text, sizeof(text), "vCont;s:%x%s", cpu + 1, alone ? "" : ";c");
	return send_packet(s, text);
}

/* "T05thread:02;watch:ffffffff82a0;" */
static struct err *parse_stop(const char *text, struct stub_stop *ret)
{
	unsigned int thread = 1;
	const char *at;
	char *end;

	*ret = (struct stub_stop){0};
	if (text[0] != 'T' || hex_digit(text[1]) < 0 || hex_digit(text[2]) < 0)
		return broken("an end of a run that is none");
	ret->signal = (unsigned int)(hex_digit(text[1]) << 4 | hex_digit(text[2]));
	at = strstr(text, "thread:");
	if (at)
		thread = (unsigned int)strtoul(at + strlen("thread:"), NULL, 16);
	if (!thread)
		return broken("a vCPU 0, where they count from 1");
	ret->cpu = thread - 1;
	at = strstr(text, "watch:");
	if (at)
		ret->address = strtoull(at + strlen("watch:"), &end, 16);
	ret->watch = at && *end == ';';
	return NULL;
}

struct err *stub_stopped(struct stub *s, uint64_t timeout_ns, bool *ret_stopped,
			 struct stub_stop *ret)
{
	char text[PACKET_MAX];

	ERR_TRY(receive(s, timeout_ns, ret_stopped, text));
	return *ret_stopped ? parse_stop(text, ret) : NULL;
}

int stub_fd(const struct stub *s)
{
	return s->fd;
}

/* ---- its beginning and end ---- */

struct err *stub_create(int fd, bool kvm, struct stub **ret)
{
	struct stub *s = calloc(1, sizeof(*s));

	if (!s) {
		close(fd);
		return err_nomem();
	}
	s->fd = fd;
	s->kvm = kvm;
	*ret = s;
	return NULL;
}

/* QEMU has one stub; it goes to whom it is given last. */
static struct err *check_free(struct qmp *qmp)
{
	struct json_object *list = NULL;
	bool taken = false;

	ERR_TRY(qmp_execute(qmp, "query-chardev", NULL, -1, TIMEOUT, &list));
	for (size_t i = 0;
	     json_object_is_type(list, json_type_array) && i < json_object_array_length(list);
	     i++) {
		const char *label = qmp_string(json_object_array_get_idx(list, i), "label");

		taken |= label && strcmp(label, "gdb") == 0;
	}
	json_object_put(list);
	return taken ? err_new(ERR_REFUSED, "qemu has one debug stub, and it was given to gdb")
		     : NULL;
}

static struct err *add_channel(struct qmp *qmp, int fd)
{
	static const char channel[] =
		"{\"id\":\"" NAME "\",\"backend\":{\"type\":\"socket\",\"data\":{"
		"\"server\":false,\"addr\":{\"type\":\"fd\",\"data\":{\"str\":\"" NAME "\"}}}}}";

	ERR_TRY(qmp_execute(qmp, "getfd", json_tokener_parse("{\"fdname\":\"" NAME "\"}"), fd,
			    TIMEOUT, NULL));
	return qmp_execute(qmp, "chardev-add", json_tokener_parse(channel), -1, TIMEOUT, NULL);
}

static struct err *hand_over(struct qmp *qmp, int fd)
{
	char *text = NULL;
	struct err *err;

	ERR_TRY(add_channel(qmp, fd));
	err = qmp_monitor(qmp, "gdbserver chardev:" NAME, -1, TIMEOUT, &text);
	if (!err && !strstr(text, "Waiting for gdb"))
		err = err_new(ERR_ABSENT, "this qemu does not serve its debug stub: %s", text);
	free(text);
	return err;
}

static struct err *ask_kvm(struct qmp *qmp, bool *ret)
{
	struct json_object *result = NULL, *enabled;

	ERR_TRY(qmp_execute(qmp, "query-kvm", NULL, -1, TIMEOUT, &result));
	*ret = json_object_is_type(result, json_type_object) &&
	       json_object_object_get_ex(result, "enabled", &enabled) &&
	       json_object_get_boolean(enabled);
	json_object_put(result);
	return NULL;
}

/* QEMU up to 8 lets nobody write a single register who has not asked which there are. */
static struct err *greet(int fd, bool kvm, struct stub **ret)
{
	char reply[PACKET_MAX];
	struct stub *s;
	struct err *err;

	ERR_TRY(stub_create(fd, kvm, &s));
	err = ask(s, "qXfer:features:read:target.xml:0,10", reply);
	if (err)
		stub_close(s, NULL);
	else
		*ret = s;
	return err;
}

struct err *stub_open(struct qmp *qmp, struct stub **ret)
{
	struct err *err;
	int pair[2];
	bool kvm;

	ERR_TRY(ask_kvm(qmp, &kvm));
	ERR_TRY(check_free(qmp));
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return err_os(errno, "socketpair");
	err = hand_over(qmp, pair[1]);
	close(pair[1]);
	if (!err)
		return greet(pair[0], kvm, ret);
	close(pair[0]);
	return err_wrap(err, "qemu's debug stub");
}

void stub_close(struct stub *s, struct qmp *qmp)
{
	char *text = NULL;

	if (!s)
		return;
	while (qmp && s->count)
		err_free(stub_remove(s, &s->inserted[0]));
	/* With the stub goes its channel. */
	if (qmp)
		err_free(qmp_monitor(qmp, "gdbserver none", -1, TIMEOUT, &text));
	free(text);
	close(s->fd);
	free(s);
}
