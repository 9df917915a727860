/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Machines that fail, die and are left behind; the real clock; damaged saved machines. */
#include "tests/guest/machines.h"

#include "base/interrupt.h"
#include "vmm/store.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MS UINT64_C(1000000)
#define SECOND (1000 * MS)

static struct err *try_boot(struct machine_setup *s, struct machine **ret)
{
	*ret = NULL;
	return machine_boot(&s->config, NULL, ret);
}

static struct machine *boot(struct machine_setup *s)
{
	struct machine *m;

	expect_ok(try_boot(s, &m));
	return m;
}

static void wrong_files_are_named(void **state)
{
	struct machine_setup s;
	struct machine *m;

	machine_setup_init(&s);
	s.config.kernel = "/nonexistent/vmlinuz";
	expect_err(try_boot(&s, &m), ERR_ENVIRONMENT,
		   "cannot read the kernel /nonexistent/vmlinuz: No such file or directory");
	s.config.kernel = "/etc/passwd";
	expect_err(try_boot(&s, &m), ERR_ENVIRONMENT, "/etc/passwd is no Linux bzImage");
	s.config.kernel = s.kernel;
	s.config.qemu = "/nonexistent/qemu";
	expect_err(try_boot(&s, &m), ERR_ENVIRONMENT,
		   "no /nonexistent/qemu: install the package qemu-system-x86 (or set KTDBG_QEMU)");
	s.config.qemu = "/bin/true";
	expect_err(try_boot(&s, &m), ERR_ENVIRONMENT, "/bin/true does not say that it is QEMU");
	s.config.qemu = NULL;
	s.config.memory = 1000;
	expect_err(try_boot(&s, &m), ERR_USAGE, "memory of 1000 bytes: whole MiB from 64M to 64G");
	machine_setup_deinit(&s);
}

static void contradictions_are_refused(void **state)
{
	struct machine_setup s;
	struct machine *m;

	machine_setup_init(&s);
	s.config.clock = CLOCK_VIRTUAL;
	s.config.accel = ACCEL_KVM;
	expect_err(try_boot(&s, &m), ERR_USAGE, "the virtual clock needs --accel tcg");
	s.config.accel = ACCEL_AUTO;
	s.config.cpu_budget = 1;
	expect_err(try_boot(&s, &m), ERR_USAGE, "a CPU budget needs --clock real");
	machine_setup_deinit(&s);
}

/* A kernel that ends after its first megabytes resets the machine while it unpacks itself. */
static void a_triple_fault_is_reported(void **state)
{
	struct machine_setup s;
	struct machine *m;
	char path[64], *image = NULL;
	size_t len;
	int fd = memfd_create("short", 0);

	machine_setup_init(&s);
	expect_ok(read_whole_file(s.kernel, 64 << 20, &image, &len));
	expect_ok(write_all(fd, image, len / 4));
	free(image);
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", getpid(), fd);
	s.config.kernel = path;
	s.config.cold_boot = true;
	expect_err_with(try_boot(&s, &m), ERR_ENVIRONMENT, "the guest did not come up: ");
	close(fd);
	machine_setup_deinit(&s);
}

static void a_panic_is_reported(void **state)
{
	struct machine_setup s;
	struct machine *m;
	struct err *err;

	machine_setup_init(&s);
	s.config.cold_boot = true;
	s.config.append = "rdinit=/nonexistent";
	err = try_boot(&s, &m);
	assert_non_null(err);
	assert_int_equal(err_kind(err), ERR_ENVIRONMENT);
	assert_non_null(
		strstr(err_detail(err), "the kernel panicked: VFS: Unable to mount root fs"));
	assert_non_null(strstr(err_detail(err), "the console's last lines:\n  ["));
	err_free(err);
	machine_setup_deinit(&s);
}

static void a_deadline_is_kept(void **state)
{
	struct machine_setup s;
	struct machine *m;
	uint64_t start = host_now();

	machine_setup_init(&s);
	s.config.cold_boot = true;
	s.config.boot_timeout_ns = 300 * MS;
	expect_err_with(try_boot(&s, &m), ERR_ENVIRONMENT,
			"the guest did not come up: it took too long");
	assert_true(host_now() - start < 10 * SECOND);
	machine_setup_deinit(&s);
}

static void *interrupt_soon(void *context)
{
	usleep(300000);
	interrupt_raise();
	return NULL;
}

static void a_boot_is_interrupted(void **state)
{
	struct machine_setup s;
	struct machine *m;
	pthread_t thread;

	machine_setup_init(&s);
	s.config.cold_boot = true;
	assert_int_equal(pthread_create(&thread, NULL, interrupt_soon, NULL), 0);
	expect_err_with(try_boot(&s, &m), ERR_INTERRUPTED, "interrupted");
	pthread_join(thread, NULL);
	interrupt_clear();
	machine_setup_deinit(&s);
}

static void a_killed_qemu_is_noticed(void **state)
{
	static const char why[] = "qemu was killed by signal 9 (Killed)";
	enum machine_stop_reason reason;
	struct machine_setup s;
	struct machine *m;

	machine_setup_init(&s);
	m = boot(&s);
	assert_null(machine_death(m));
	kill(machine_info(m)->pid, SIGKILL);
	for (int i = 0; i < 500 && machine_state(m) != MACHINE_DEAD; i++)
		usleep(10000);
	assert_int_equal(machine_state(m), MACHINE_DEAD);
	assert_string_equal(machine_death(m), why);
	expect_err(machine_run(m, NULL), ERR_GUEST_DIED, why);
	expect_err(machine_hold(m, SECOND), ERR_GUEST_DIED, why);
	expect_err(machine_wait(m, SECOND, &reason), ERR_GUEST_DIED, why);
	machine_destroy(m);
	/* While it runs: the wait ends by itself. */
	m = boot(&s);
	expect_ok(machine_run(m, NULL));
	kill(machine_info(m)->pid, SIGKILL);
	expect_err(machine_wait(m, 30 * SECOND, &reason), ERR_GUEST_DIED, why);
	machine_destroy(m);
	machine_setup_deinit(&s);
}

/* The debugger itself is killed, with the guest held: nothing is left. */
static void nothing_is_left_behind(void **state)
{
	struct machine_setup s;
	int report[2], pid = 0;
	struct machine *m;
	pid_t child;

	machine_setup_init(&s);
	assert_int_equal(pipe(report), 0);
	child = fork();
	if (!child) {
		if (machine_boot(&s.config, NULL, &m))
			_exit(1);
		pid = machine_info(m)->pid;
		if (write(report[1], &pid, sizeof(pid)) != sizeof(pid))
			_exit(1);
		pause();
	}
	close(report[1]);
	assert_int_equal(read(report[0], &pid, sizeof(pid)), sizeof(pid));
	close(report[0]);
	assert_int_equal(kill(pid, 0), 0);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	for (int i = 0; i < 500 && !kill(pid, 0); i++)
		usleep(10000);
	assert_int_equal(kill(pid, 0), -1);
	machine_setup_deinit(&s);
}

static void the_real_clock(void **state)
{
	struct machine_stop stop = {.time = 200 * MS};
	enum machine_stop_reason reason;
	struct machine_setup s;
	struct machine *m;
	uint64_t time;
	int tids[8];

	machine_setup_init(&s);
	s.config.clock = CLOCK_REAL;
	s.config.accel = ACCEL_TCG;
	s.config.cpu_budget = 1;
	m = boot(&s);
	assert_int_equal(machine_info(m)->clock, CLOCK_REAL);
	assert_int_equal(machine_time(m), 0);
	assert_int_equal(machine_vcpu_threads(m, tids, 8), 4);
	assert_int_not_equal(tids[0], tids[3]);
	expect_ok(machine_run(m, &stop));
	expect_ok(machine_wait(m, 30 * SECOND, &reason));
	assert_int_equal(reason, STOP_TIME);
	time = machine_time(m);
	assert_in_range(time, 200 * MS, 30 * SECOND);
	usleep(20000);
	assert_int_equal(machine_time(m), time);
	expect_ok(machine_run(m, NULL));
	expect_ok(machine_nmi(m));
	usleep(20000);
	expect_ok(machine_hold(m, 30 * SECOND));
	assert_in_range(machine_time(m), time + 20 * MS, 60 * SECOND);
	machine_destroy(m);
	s.config.cpu_budget = 1000;
	expect_err_with(try_boot(&s, &m), ERR_USAGE, "a CPU budget of 1000, but only ");
	machine_setup_deinit(&s);
}

/* A QEMU that gets no host CPU for a while: the hold says so and leaves the machine running. */
static void a_hold_has_a_deadline(void **state)
{
	const enum clock_kind clocks[] = {CLOCK_VIRTUAL, CLOCK_REAL};
	enum machine_stop_reason reason;
	struct machine_setup s;
	struct machine *m;

	machine_setup_init(&s);
	s.config.accel = ACCEL_TCG;
	for (unsigned int i = 0; i < 2; i++) {
		s.config.clock = clocks[i];
		m = boot(&s);
		expect_ok(machine_run(m, NULL));
		kill(machine_info(m)->pid, SIGSTOP);
		usleep(50000);
		expect_err(machine_hold(m, 200 * MS), ERR_TIMEOUT, "0 of 4 vCPUs stopped in time");
		assert_int_equal(machine_state(m), MACHINE_RUNNING);
		kill(machine_info(m)->pid, SIGCONT);
		expect_err(machine_wait(m, 200 * MS, &reason), ERR_TIMEOUT,
			   "the guest did not stop in time");
		expect_ok(machine_hold(m, 30 * SECOND));
		assert_int_equal(machine_state(m), MACHINE_HELD);
		machine_destroy(m);
	}
	machine_setup_deinit(&s);
}

/* One byte of the one entry in the store changed. */
static void damage(const char *folder)
{
	char pattern[600], path[500] = "";
	uint64_t byte = 0;
	FILE *p;
	int fd;

	snprintf(pattern, sizeof(pattern), "ls %s/ktdbg/machines/*/ram", folder);
	p = popen(pattern, "r");
	assert_int_equal(fscanf(p, "%499s", path), 1);
	pclose(p);
	fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 8, 0x100000), 8);
	byte ^= 1;
	assert_int_equal(pwrite(fd, &byte, 8, 0x100000), 8);
	close(fd);
}

/*
 * Built, restored, damaged, built again. With the virtual clock of QEMU 7.2 a machine built twice
 * is the same to the byte; QEMU 11 lets a cold boot differ by a microsecond now and then.
 */
static void damaged_machines_are_made_again(void **state)
{
	char folder[400], first[SHA256_TEXT], hash[SHA256_TEXT], *old = getenv("XDG_CACHE_HOME");
	const char *given = getenv("TEST_DIR");
	const bool warm[] = {false, true, false};
	struct machine_setup s;
	struct machine *m;

	machine_setup_init(&s);
	old = old ? strdup(old) : NULL;
	snprintf(folder, sizeof(folder), "%s/cache-XXXXXX", given ? given : "/tmp");
	assert_non_null(mkdtemp(folder));
	setenv("XDG_CACHE_HOME", folder, 1);
	s.config.topology = (struct topology){1, 1, 2, 1};
	for (unsigned int i = 0; i < 3; i++) {
		m = boot(&s);
		assert_int_equal(machine_info(m)->warm, warm[i]);
		memory_hash(m, i ? hash : first);
		if (i == 1 || (i && atoi(machine_info(m)->qemu_version) < 8))
			assert_string_equal(hash, first);
		machine_destroy(m);
		if (i == 1)
			damage(folder);
	}
	if (old)
		setenv("XDG_CACHE_HOME", old, 1);
	else
		unsetenv("XDG_CACHE_HOME");
	free(old);
	machine_setup_deinit(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrong_files_are_named),
		cmocka_unit_test(contradictions_are_refused),
		cmocka_unit_test(a_triple_fault_is_reported),
		cmocka_unit_test(a_panic_is_reported),
		cmocka_unit_test(a_deadline_is_kept),
		cmocka_unit_test(a_boot_is_interrupted),
		cmocka_unit_test(a_killed_qemu_is_noticed),
		cmocka_unit_test(nothing_is_left_behind),
		cmocka_unit_test(the_real_clock),
		cmocka_unit_test(a_hold_has_a_deadline),
		cmocka_unit_test(damaged_machines_are_made_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
