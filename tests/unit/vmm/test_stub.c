/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The debug stub's protocol against a peer that answers from a list, also one that misbehaves. */
#include "tests/expect.h"

#include "base/file.h"
#include "vmm/stub.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SECOND UINT64_C(1000000000)

/* What is asked for, and the bytes that come back, frame and all. */
struct line {
	const char *asked, *answer;
};

struct peer {
	const struct line *lines; /* up to one without a question */
	int fd;
	char wrong[200]; /* the first question that was not the one in the list */
	pthread_t thread;
	struct stub *stub;
};

/* One packet without its frame; false: the other end is gone. */
static bool read_packet(int fd, char *text, size_t size)
{
	size_t len = 0;
	char c = 0;

	while (c != '$')
		if (read(fd, &c, 1) != 1)
			return false;
	while (read(fd, &c, 1) == 1 && c != '#' && len + 1 < size)
		text[len++] = c;
	text[len] = '\0';
	return read(fd, &c, 1) == 1 && read(fd, &c, 1) == 1;
}

static void *answer(void *context)
{
	struct peer *p = context;
	char text[200];

	for (const struct line *l = p->lines; l->asked && read_packet(p->fd, text, sizeof(text));
	     l++) {
		if (strcmp(text, l->asked) && !*p->wrong)
			snprintf(p->wrong, sizeof(p->wrong), "%s", text);
		if (write(p->fd, l->answer, strlen(l->answer)) < 0)
			break;
	}
	shutdown(p->fd, SHUT_WR);
	return NULL;
}

static void begin(struct peer *p, const struct line *lines, bool kvm)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	*p = (struct peer){.lines = lines, .fd = pair[1]};
	expect_ok(stub_create(pair[0], kvm, &p->stub));
	assert_int_equal(pthread_create(&p->thread, NULL, answer, p), 0);
}

static void end(struct peer *p)
{
	pthread_join(p->thread, NULL);
	stub_close(p->stub, NULL);
	close(p->fd);
	assert_string_equal(p->wrong, "");
}

static const struct machine_break entry = {BREAK_ENTRY, 0xffffffff81000010, 0};
static const struct machine_break odd = {BREAK_WRITE, 0x1006, 12};

static void places_go_in_and_out(void **state)
{
	static const struct line lines[] = {
		{"Z1,ffffffff81000010,1", "+$OK#9a"},  {"Z2,1006,c", "+$OK#9a"},
		{"z1,ffffffff81000010,1", "+$OK#9a"},  {"Z1,ffffffff81000010,1", "+$E16#ac"},
		{"z1,ffffffff81000010,1", "+$E16#ac"}, {0},
	};
	struct peer p;

	(void)state;
	begin(&p, lines, false);
	expect_ok(stub_insert(p.stub, &entry));
	expect_ok(stub_insert(p.stub, &entry));
	expect_ok(stub_insert(p.stub, &odd));
	expect_ok(stub_remove(p.stub, &entry));
	expect_ok(stub_remove(p.stub, &entry));
	expect_err_with(stub_insert(p.stub, &entry), ERR_REFUSED,
			"qemu refuses to stop at 0xffffffff81000010");
	end(&p);
}

/* By what debug registers can hold, and all or nothing. */
static void kvm_watches_aligned_pieces(void **state)
{
	static const struct line lines[] = {
		{"Z2,1006,2", "+$OK#9a"},
		{"Z2,1008,8", "+$OK#9a"},
		{"Z2,1010,2", "+$E22#a9"},
		{"z2,1006,2", "+$OK#9a"},
		{"z2,1008,8", "+$OK#9a"},
		{"z2,1010,2", "+$E22#a9"},
		{0},
	};
	struct peer p;

	(void)state;
	begin(&p, lines, true);
	expect_err_with(stub_insert(p.stub, &odd), ERR_REFUSED, "four debug registers");
	end(&p);
}

static void registers_are_little_endian(void **state)
{
	static char answers[1024];
	struct line lines[] = {{"g", answers}, {"g", "+$00x0#00"}, {0}};
	struct cpu_registers r;
	size_t len;
	struct peer p;

	(void)state;
	len = (size_t)snprintf(answers, sizeof(answers), "+$");
	for (int i = 0; i < REG_COUNT; i++)
		len += (size_t)snprintf(answers + len, sizeof(answers) - len, "%02x%s", i,
					i < REG_RFLAGS ? "010000000000ff" : "000001");
	snprintf(answers + len, sizeof(answers) - len, "ffff#00");
	begin(&p, lines, false);
	expect_ok(stub_registers(p.stub, &r));
	assert_int_equal(r.value[REG_RAX], 0xff00000000000100);
	assert_int_equal(r.value[REG_RIP], 0xff00000000000110);
	assert_int_equal(r.value[REG_GS], 0x01000017);
	expect_err_with(stub_registers(p.stub, &r), ERR_QMP, "registers that are none");
	end(&p);
}

static void what_does_nothing_is_skipped(void **state)
{
	static const struct line lines[] = {
		{"mffffffff81000010,9", "+$f30f1efa554889e553#00"},
		{"P10=14000081ffffffff", "+$OK#9a"},
		{"mffffffff81000010,9", "+$554889e5f30f1efa53#00"},
		{0},
	};
	bool skipped = false;
	struct peer p;

	(void)state;
	begin(&p, lines, false);
	expect_ok(stub_skip(p.stub, entry.address, &skipped));
	assert_true(skipped);
	expect_ok(stub_skip(p.stub, entry.address, &skipped));
	assert_false(skipped);
	end(&p);
}

/* A processor may insist on the endbr64 that a call led to. */
static void kvm_executes_endbr(void **state)
{
	static const struct line lines[] = {{"mffffffff81000010,9", "+$f30f1efa554889e553#00"},
					    {0}};
	bool skipped = true;
	struct peer p;

	(void)state;
	begin(&p, lines, true);
	expect_ok(stub_skip(p.stub, entry.address, &skipped));
	assert_false(skipped);
	end(&p);
}

static void runs_end(void **state)
{
	static const struct line lines[] = {
		{"c", "+$T05thread:03;#00"},
		{"Qqemu.sstep=3", "+$OK#9a"},
		{"vCont;s:2;c", "+"},
		{0},
	};
	struct stub_stop stop = {0};
	bool stopped = false;
	struct peer p;

	(void)state;
	begin(&p, lines, false);
	expect_ok(stub_continue(p.stub));
	expect_ok(stub_stopped(p.stub, 60 * SECOND, &stopped, &stop));
	assert_true(stopped);
	assert_int_equal(stop.signal, STUB_TRAP);
	assert_int_equal(stop.cpu, 2);
	assert_false(stop.watch);
	expect_ok(stub_step(p.stub, 1, false));
	expect_err_with(stub_stopped(p.stub, 60 * SECOND, &stopped, &stop), ERR_QMP, "it hung up");
	end(&p);
}

static void ends_of_runs(const char *packet, struct stub_stop *ret, const char *error)
{
	const struct line lines[] = {{"c", packet}, {0}};
	bool stopped = false;
	struct peer p;

	begin(&p, lines, false);
	expect_ok(stub_continue(p.stub));
	if (error)
		expect_err_with(stub_stopped(p.stub, 60 * SECOND, &stopped, ret), ERR_QMP, error);
	else
		expect_ok(stub_stopped(p.stub, 60 * SECOND, &stopped, ret));
	end(&p);
}

static void ends_say_why(void **state)
{
	struct stub_stop stop;

	(void)state;
	ends_of_runs("+$T05thread:01;watch:ffffffff82a00040;#00", &stop, NULL);
	assert_true(stop.watch);
	assert_int_equal(stop.address, 0xffffffff82a00040);
	ends_of_runs("+$T02thread:01;#00", &stop, NULL);
	assert_int_equal(stop.signal, 2);
	ends_of_runs("+$T05thread:00;#00", &stop, "a vCPU 0");
	ends_of_runs("+$X#00", &stop, "none");
	ends_of_runs("+$#00", &stop, "none");
}

static void endless_replies_are_refused(void **state)
{
	static char answers[5000];
	const struct line lines[] = {{"c", answers}, {0}};
	struct stub_stop stop;
	bool stopped;
	struct peer p;

	(void)state;
	memset(answers, 'a', sizeof(answers) - 1);
	answers[0] = '$';
	begin(&p, lines, false);
	expect_ok(stub_continue(p.stub));
	expect_err_with(stub_stopped(p.stub, 60 * SECOND, &stopped, &stop), ERR_QMP,
			"more than 4 KiB");
	end(&p);
}

/* QEMU 7 tells of a stop that QMP made. */
static void stale_ends_are_dropped(void **state)
{
	static const struct line lines[] = {
		{"c", "+$T02thread:01;#00$T02thread:01;#00"},
		{"g", "+$E14#00"},
		{0},
	};
	struct cpu_registers r;
	struct stub_stop stop;
	bool stopped;
	struct peer p;

	(void)state;
	begin(&p, lines, false);
	expect_ok(stub_continue(p.stub));
	expect_ok(stub_stopped(p.stub, 60 * SECOND, &stopped, &stop));
	expect_err_with(stub_registers(p.stub, &r), ERR_QMP, "registers that are none");
	end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(places_go_in_and_out),
		cmocka_unit_test(kvm_watches_aligned_pieces),
		cmocka_unit_test(registers_are_little_endian),
		cmocka_unit_test(what_does_nothing_is_skipped),
		cmocka_unit_test(kvm_executes_endbr),
		cmocka_unit_test(runs_end),
		cmocka_unit_test(ends_say_why),
		cmocka_unit_test(endless_replies_are_refused),
		cmocka_unit_test(stale_ends_are_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
