/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two machines that were started by hand: one whose memory QEMU shares, one whose memory it keeps. */
#include "tests/guest/machines.h"

#include "commands/session.h"
#include "coord/agent.h"
#include "coord/coord.h"
#include "coord/halts.h"
#include "coord/model.h"
#include "vmm/qmp.h"

#include <fcntl.h>
#include <json-c/json.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECOND UINT64_C(1000000000)

struct by_hand {
	const char *name;
	const char *memory; /* QEMU's options for it */
	bool shared;
	pid_t pid;
	char socket[40], serial[40];
};

static struct by_hand machines[] = {
	{.name = "shared", .memory = "memory-backend-memfd,id=ram0,size=256M,share=on", .shared = true},
	{.name = "private", .memory = "memory-backend-ram,id=ram0,size=256M"},
};

static void start(struct by_hand *h, const char *kernel, const char *initrd)
{
	char qmp[80], serial[80];

	snprintf(h->socket, sizeof(h->socket), "%s.sock", h->name);
	snprintf(h->serial, sizeof(h->serial), "%s.log", h->name);
	snprintf(qmp, sizeof(qmp), "unix:%s,server,nowait", h->socket);
	snprintf(serial, sizeof(serial), "file:%s", h->serial);
	unlink(h->socket); /* of an earlier run: they look like a guest that is up */
	unlink(h->serial);
	h->pid = fork();
	if (h->pid)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	execlp("qemu-system-x86_64", "qemu-system-x86_64", "-nodefaults", "-display", "none", "-M",
	       "q35,memory-backend=ram0", "-object", h->memory, "-m", "256", "-smp", "2", "-kernel",
	       kernel, "-initrd", initrd, "-append", "console=ttyS0", "-serial", serial, "-qmp", qmp,
	       NULL);
	_exit(127);
}

/* As far as the kernel is concerned. */
static void wait_ready(const struct by_hand *h)
{
	uint64_t deadline = host_now() + 180 * SECOND;
	char *text = NULL;
	size_t len;
	bool ready = false;

	while (!ready && host_now() < deadline) {
		err_free(read_whole_file(h->serial, 1 << 20, &text, &len));
		ready = text && strstr(text, "Run /init as init process");
		free(text);
		text = NULL;
		usleep(100000);
	}
	assert_true(ready);
}

static void ignore(void *context, const char *name, struct json_object *data)
{
}

/* What anybody else would say to it. */
static void tell(const struct by_hand *h, const char *command, struct json_object **ret)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct qmp q;

	strcpy(address.sun_path, h->socket);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	qmp_init(&q, fd, ignore, NULL);
	expect_ok(qmp_negotiate(&q, 60 * SECOND));
	expect_ok(qmp_execute(&q, command, NULL, -1, 60 * SECOND, ret));
	qmp_deinit(&q);
}

static void expect_status(const struct by_hand *h, const char *wanted)
{
	struct json_object *result = NULL;

	tell(h, "query-status", &result);
	assert_string_equal(qmp_string(result, "status"), wanted);
	json_object_put(result);
}

static struct coord *attach(const struct by_hand *h)
{
	struct machine *m = NULL;
	struct coord *c = NULL;

	expect_ok(machine_attach(h->socket, &m));
	assert_int_equal(machine_state(m), MACHINE_HELD);
	assert_int_equal(machine_info(m)->pid, h->pid);
	assert_int_equal(machine_info(m)->memory, 256 << 20);
	assert_int_equal(!machine_ram(m)->copy, h->shared);
	expect_ok(coord_create(m, COORD_FREE, &c));
	return c;
}

static uint64_t newest_clock(struct coord *c)
{
	const struct model *model;
	uint64_t newest = 0;

	expect_ok(coord_model(c, &model));
	assert_int_equal(model->cpu_count, 2);
	assert_true(model->task_count > 20);
	for (unsigned int i = 0; i < model->cpu_count; i++)
		if (model->cpus[i].clock > newest)
			newest = model->cpus[i].clock;
	return newest;
}

/* What is read is of now, not of the first look. */
static void state_is_seen_and_moves(void **state)
{
	struct coord *c = attach(*state);
	uint64_t before;

	expect_ok(coord_enter(c));
	before = newest_clock(c);
	expect_ok(coord_run_until(c, coord_time(c) + SECOND));
	assert_true(newest_clock(c) > before);
	expect_ok(coord_leave(c));
	coord_destroy(c);
	expect_status(*state, "running");
}

/* Into a page that the kernel only reads, and past our own copy. */
static void a_write_reaches_the_guest(void **state)
{
	struct coord *c = attach(*state);
	struct kernel *k;
	uint64_t banner;
	char text[16] = "";

	expect_ok(coord_kernel(c, &k));
	expect_ok(coord_enter(c));
	expect_ok(kernel_symbol(k, "linux_banner", &banner));
	expect_ok(kernel_write(k, banner, "Lin0x", 5));
	ram_refresh(machine_ram(coord_machine(c)));
	expect_ok(kernel_read(k, banner, text, 5));
	assert_string_equal(text, "Lin0x");
	expect_ok(kernel_write(k, banner, "Linux", 5));
	expect_ok(coord_leave(c));
	coord_destroy(c);
}

static void what_needs_the_agent_is_refused(void **state)
{
	struct coord *c = attach(*state);
	struct agent_health health;

	agent_health(coord_agent(c), &health);
	assert_false(health.ok);
	assert_string_equal(health.reason, "that is the work of ktdbg's agent, and there is none in a "
					   "dump or in a guest that was attached to");
	expect_err(machine_hold_as_gap(coord_machine(c)), ERR_REFUSED,
		   "somebody else's QEMU is not stopped behind its back");
	coord_destroy(c);
}

static struct err *run(struct session *s, const char *line)
{
	struct str text = {0};
	struct out *out = out_create(OUT_TEXT, out_sink_str, &text);
	bool more;
	struct err *err = session_execute(s, line, out, &more);

	assert_true(err || text.len);
	out_destroy(out);
	str_deinit(&text);
	return err;
}

static void commands_need_no_agent(void **state)
{
	static const char *const lines[] = {
		"cpus",	 "tasks", "task 2", "rq 0", "scx", "why", "registers cpu:1", "backtrace 1",
		"locks", "run 300ms", "counters", "dmesg", "print jiffies", "info machine", "status",
		"read task 2 prio", "thaw",
	};
	const struct by_hand *h = *state;
	struct options options;
	struct session *s;

	options_init(&options);
	options.attach = h->socket;
	expect_ok(session_create(&options, &s));
	for (unsigned int i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		expect_ok(err_wrap(run(s, lines[i]), "%s", lines[i]));
	expect_err(run(s, "spawn w workers=1"), ERR_ABSENT,
		   "that is the work of ktdbg's agent, and there is none in a dump or in a "
		   "guest that was attached to");
	expect_err(run(s, "console"), ERR_ABSENT,
		   "the console of a guest that was attached to is not ours; `dmesg` reads the "
		   "kernel's log");
	expect_err(run(s, "record start x.t"), ERR_REFUSED,
		   "a recording begins with a boot, and this guest was attached to");
	session_destroy(s);
	expect_status(h, "running");
}

static void one_that_stood_is_left_standing(void **state)
{
	struct coord *c;

	tell(*state, "stop", NULL);
	c = attach(*state);
	assert_true(machine_info(coord_machine(c))->found_stopped);
	expect_ok(coord_enter(c));
	expect_ok(coord_run_until(c, coord_time(c) + SECOND / 10));
	expect_ok(coord_leave(c));
	coord_destroy(c);
	expect_status(*state, "paused");
	tell(*state, "cont", NULL);
}

/* Neither the break nor the channel over which it was made. */
static void breaks_leave_nothing_behind(void **state)
{
	const struct by_hand *h = *state;
	struct json_object *channels = NULL;
	struct options options;
	struct session *s;
	struct halt_info info;

	options_init(&options);
	options.attach = h->socket;
	expect_ok(session_create(&options, &s));
	expect_ok(run(s, "break schedule"));
	expect_ok(run(s, "run 60s"));
	assert_true(halts_at(coord_halts(session_coord(s)), 0, &info));
	assert_int_equal(info.stops, 1);
	session_destroy(s);
	usleep(100000);
	expect_status(h, "running");
	tell(h, "query-chardev", &channels);
	assert_null(strstr(json_object_to_json_string(channels), "ktdbg"));
	json_object_put(channels);
}

static void a_death_is_noticed(void **state)
{
	struct by_hand *h = *state;
	struct coord *c = attach(h);
	char text[80];

	kill(h->pid, SIGKILL);
	waitpid(h->pid, NULL, 0);
	assert_int_equal(machine_state(coord_machine(c)), MACHINE_DEAD);
	snprintf(text, sizeof(text), "qemu (process %d) ended", (int)h->pid);
	assert_string_equal(machine_death(coord_machine(c)), text);
	h->pid = 0;
	coord_destroy(c);
}

static void what_is_no_qmp_is_named(void **state)
{
	struct machine *m;

	expect_err(machine_attach("nothing.sock", &m), ERR_ENVIRONMENT,
		   "nothing.sock: cannot connect: No such file or directory");
}

#define EACH(test)                                                                                 \
	{#test ": shared", test, NULL, NULL, &machines[0]},                                        \
	{                                                                                          \
		#test ": private", test, NULL, NULL, &machines[1]                                  \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		EACH(state_is_seen_and_moves),
		EACH(a_write_reaches_the_guest),
		EACH(what_needs_the_agent_is_refused),
		EACH(commands_need_no_agent),
		EACH(one_that_stood_is_left_standing),
		EACH(breaks_leave_nothing_behind),
		cmocka_unit_test(what_is_no_qmp_is_named),
		EACH(a_death_is_noticed),
	};
	struct machine_setup s;
	int failed;

	machine_setup_init(&s);
	for (unsigned int i = 0; i < 2; i++)
		start(&machines[i], s.kernel, guest_image_initrds(s.image)[0]);
	for (unsigned int i = 0; i < 2; i++)
		wait_ready(&machines[i]);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	for (unsigned int i = 0; i < 2; i++)
		if (machines[i].pid > 0)
			kill(machines[i].pid, SIGKILL);
	machine_setup_deinit(&s);
	return failed;
}
