/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checkpoints of a guest with work running under a sched_ext scheduler. KTDBG_TEST_LOOPS=N restores
 * so often in a row (5).
 */
#include "tests/guest/boot.h"

#include "base/file.h"
#include "coord/agent.h"
#include "coord/kernel.h"
#include "coord/model.h"
#include "coord/steal_book.h"
#include "vmm/checkpoint_file.h"
#include "vmm/checkpoint.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define MS UINT64_C(1000000)
#define CPUS 2
#define WORKERS 3

struct picture {
	uint64_t steal[CPUS];
	struct vcpu_runstate runstate[CPUS];
	uint64_t jiffies, time, switches;
};

/* Inside a window. */
static void take(struct picture *p)
{
	const struct vcpu_runstate *vcpus;
	const struct model *model;
	struct steal_book *book;
	struct kernel *k;
	uint64_t address;
	unsigned int count;

	expect_ok(coord_kernel(coord, &k));
	expect_ok(coord_steal_book(coord, &book));
	expect_ok(machine_runstates(coord_machine(coord), &vcpus, &count));
	assert_int_equal(count, CPUS);
	for (unsigned int i = 0; i < CPUS; i++) {
		p->steal[i] = steal_book_guest(book, i);
		p->runstate[i] = vcpus[i];
	}
	expect_ok(kernel_symbol(k, "jiffies", &address));
	p->jiffies = *(const uint64_t *)kernel_at(k, address, 8);
	expect_ok(coord_model(coord, &model));
	p->switches = model->cpus[0].switches;
	p->time = coord_time(coord);
}

static uint64_t iterations(void)
{
	struct agent_worker worker;
	uint64_t sum = 0;

	for (unsigned int i = 0; i < WORKERS; i++) {
		expect_ok(agent_worker(coord_agent(coord), "@runner", i, &worker));
		sum += worker.iterations;
	}
	return sum;
}

static void let_pass(uint64_t ns)
{
	expect_ok(coord_enter(coord));
	expect_ok(coord_run_until(coord, coord_time(coord) + ns));
	expect_ok(coord_leave(coord));
}

/* However little of the host the guest gets. */
static void let_work(uint64_t done)
{
	for (unsigned int i = 0; i < 3000 && iterations() <= done; i++)
		let_pass(20 * MS);
	assert_true(iterations() > done);
}

static struct err *save(const char *name)
{
	ERR_TRY(coord_enter(coord));
	return coord_leave_with(coord, checkpoint_save(coord_machine(coord), name));
}

static struct err *restore(const char *name, uint64_t gap)
{
	ERR_TRY(coord_enter(coord));
	return coord_leave_with(coord, coord_restore(coord, name, gap));
}

/* Save and restore in one window: what is between the two pictures is the restore's. */
static void save_and_restore(uint64_t gap, struct picture *before, struct picture *after)
{
	expect_ok(coord_enter(coord));
	take(before);
	expect_ok(checkpoint_save(coord_machine(coord), "base"));
	expect_ok(coord_restore(coord, "base", gap));
	take(after);
	expect_ok(coord_leave(coord));
}

static void test_gap(void **state)
{
	static const uint64_t gaps[] = {0, 2000 * MS};
	struct picture a, b;

	for (unsigned int g = 0; g < 2; g++) {
		save_and_restore(gaps[g], &a, &b);
		for (unsigned int i = 0; i < CPUS; i++) {
			const uint64_t *x = a.runstate[i].time, *y = b.runstate[i].time;

			assert_in_range(b.steal[i] - a.steal[i], gaps[g], gaps[g] + 50 * MS);
			assert_in_range(y[RUNSTATE_RUNNABLE] - x[RUNSTATE_RUNNABLE], gaps[g],
					gaps[g] + 50 * MS);
			assert_in_range(y[RUNSTATE_RUNNING] - x[RUNSTATE_RUNNING], 0, 10 * MS);
		}
		assert_in_range(b.time - a.time, gaps[g], gaps[g] + 50 * MS);
		assert_int_equal(a.jiffies, b.jiffies);
		assert_int_equal(a.switches, b.switches);
		/* A tick counts the gap, as soon as the host lets a vCPU have one: well before so
		 * much time has passed by itself. */
		for (unsigned int tries = 0; tries < 10; tries++) {
			let_pass(100 * MS);
			expect_ok(coord_enter(coord));
			take(&b);
			expect_ok(coord_leave(coord));
			if (b.jiffies - a.jiffies >= gaps[g] / (4 * MS) + 1)
				break;
		}
		/* 250 a second: the guest's own clock is ahead by the gap, and by no more than the
		 * time. */
		assert_in_range(b.jiffies - a.jiffies, gaps[g] / (4 * MS),
				(b.time - a.time) / (4 * MS) + 30);
	}
}

static void test_real_gap(void **state)
{
	struct picture a, b;
	uint64_t start = host_now();

	expect_ok(coord_enter(coord));
	take(&a);
	expect_ok(checkpoint_save(coord_machine(coord), "base"));
	usleep(300000);
	expect_ok(coord_restore(coord, "base", CHECKPOINT_GAP_REAL));
	take(&b);
	expect_ok(coord_leave(coord));
	for (unsigned int i = 0; i < CPUS; i++)
		assert_in_range(b.steal[i] - a.steal[i], 300 * MS, host_now() - start);
}

static unsigned int open_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int count = 0;

	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static long resident_pages(void)
{
	long size = 0, resident = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%ld %ld", &size, &resident), 2);
	fclose(f);
	return resident;
}

/* The scheduler and every worker live on, nothing leaks, counters go on where they were saved. */
static void test_loop(void **state)
{
	const char *loops = getenv("KTDBG_TEST_LOOPS");
	unsigned int count = loops ? (unsigned int)atoi(loops) : 5, files = 0;
	uint64_t fastest = UINT64_MAX, done;
	struct picture saved, now;
	const struct model *model;
	long pages = 0;

	expect_ok(coord_enter(coord));
	take(&saved);
	done = iterations();
	expect_ok(checkpoint_save(coord_machine(coord), "loop"));
	expect_ok(coord_leave(coord));
	for (unsigned int n = 0; n < count; n++) {
		uint64_t start = host_now();

		expect_ok(restore("loop", 0));
		if (host_now() - start < fastest)
			fastest = host_now() - start;
		let_work(done);
		expect_ok(coord_enter(coord));
		take(&now);
		expect_ok(coord_model(coord, &model));
		assert_string_equal(model->scx.state, "enabled");
		assert_true(now.switches >= saved.switches);
		for (unsigned int i = 0; i < CPUS; i++)
			assert_true(now.steal[i] >= saved.steal[i]);
		expect_ok(coord_leave(coord));
		if (n == 0) {
			files = open_files();
			pages = resident_pages();
		}
	}
	print_message("%u restores, the fastest in %" PRIu64 " ms\n", count, fastest / MS);
	assert_int_equal(open_files(), files);
	/* 20 MiB; the sanitizer keeps what was freed. */
#ifdef __SANITIZE_ADDRESS__
	(void)pages;
#else
	assert_true(resident_pages() < pages + 20 * 256);
#endif
}

static int open_file(const char *file)
{
	char *path = NULL, *below = str_format("checkpoints/base/%s", file);
	int fd;

	expect_ok(state_path(below, &path));
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	free(below);
	free(path);
	return fd;
}

/* One bit of the file is another. */
static void flip(const char *file, off_t at, unsigned int bit)
{
	int fd = open_file(file);
	char byte;

	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= (char)(1 << bit % 8);
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

static off_t size_of(const char *file)
{
	struct stat st;
	int fd = open_file(file);

	assert_int_equal(fstat(fd, &st), 0);
	close(fd);
	return st.st_size;
}

static void expect_damage(const char *file, off_t at)
{
	struct err *err = restore("base", 0);

	if (!err || err_kind(err) != ERR_BAD_DATA)
		fail_msg("%s changed at %lld: %s", file, (long long)at,
			 err ? err_detail(err) : "restored");
	err_free(err);
}

static void test_flipped(void **state)
{
	static const char *const files[] = {"checkpoint", "machine", "console", "state"};
	off_t data;
	int fd;

	expect_ok(save("base"));
	for (unsigned int f = 0; f < sizeof(files) / sizeof(files[0]); f++) {
		off_t size = size_of(files[f]);

		for (off_t at = 0; at < size; at += size / 40 + 1) {
			flip(files[f], at, (unsigned int)at);
			expect_damage(files[f], at);
			flip(files[f], at, (unsigned int)at);
		}
	}
	fd = open_file("ram");
	data = lseek(fd, 0, SEEK_DATA);
	close(fd);
	flip("ram", data + 5000, 3);
	expect_err(restore("base", 0), ERR_BAD_DATA,
		   "checkpoint base: the saved guest memory is damaged");
	flip("ram", data + 5000, 3);
	expect_ok(restore("base", 0));
	let_work(iterations());
}

/* The end of each is missing, or all of it. */
static void test_truncated(void **state)
{
	static const char *const files[] = {"checkpoint", "machine", "console", "state", "ram"};

	for (unsigned int f = 0; f < sizeof(files) / sizeof(files[0]); f++)
		for (unsigned int part = 0; part < 4; part++) {
			int fd;

			expect_ok(save("base"));
			fd = open_file(files[f]);
			assert_int_equal(ftruncate(fd, part < 3 ? size_of(files[f]) * part / 3
								: size_of(files[f]) - 1),
					 0);
			close(fd);
			expect_damage(files[f], part);
		}
	let_work(iterations());
}

/* As `name` in the place of "base", with one line of its identity changed. */
static void save_with(const char *name, const char *line)
{
	struct checkpoint_facts facts = {0};
	struct store_draft draft;
	struct saved saved;
	char *at;

	saved_init(&saved);
	expect_ok(checkpoint_open("base", &saved, &facts));
	at = strstr(facts.identity.data, line);
	assert_non_null(at);
	at[strlen(line)] ^= 1;
	expect_ok(checkpoint_begin(&draft));
	expect_ok(checkpoint_publish(&draft, name, &saved, &facts, "another"));
	store_end(&draft);
	saved_deinit(&saved);
	checkpoint_facts_deinit(&facts);
}

/* The machine that runs is what it was after every one of these. */
static void test_refused(void **state)
{
	expect_ok(save("base"));
	expect_err(restore("none", 0), ERR_NOT_FOUND,
		   "checkpoint none: there is no such checkpoint");
	expect_err_with(restore("../base", 0), ERR_USAGE, "../base: a name is up to 63 letters");
	save_with("other", "\nkernel ");
	expect_err_with(restore("other", 0), ERR_REFUSED,
			"checkpoint other: it was saved with \"kernel ");
	save_with("other", "\nimage ");
	expect_err_with(restore("other", 0), ERR_REFUSED,
			"checkpoint other: it was saved with \"image ");
	save_with("other", "\nqemu ");
	expect_err_with(restore("other", 0), ERR_REFUSED,
			"checkpoint other: it was saved with \"qemu ");
	expect_ok(checkpoint_delete("other"));
	let_work(iterations());
}

static void test_list(void **state)
{
	struct checkpoint_entry *list;
	unsigned int count;

	expect_ok(save("second"));
	expect_ok(checkpoint_list(&list, &count));
	assert_true(count >= 2);
	assert_string_equal(list[count - 1].name, "second");
	assert_true(list[count - 1].bytes > 1 << 20);
	assert_true(list[count - 1].time > 0);
	free(list);
	/* Of no use, and shown. */
	assert_int_equal(ftruncate(open_file("checkpoint"), 10), 0);
	expect_ok(checkpoint_list(&list, &count));
	assert_string_equal(list[0].name, "base");
	assert_string_equal(list[0].summary, "its description is damaged");
	free(list);
	expect_ok(checkpoint_delete("second"));
	expect_err(checkpoint_delete("second"), ERR_NOT_FOUND,
		   "checkpoint second: there is no such checkpoint");
}

static int begin(void **state)
{
	guest_spawn(coord, "@runner", "workers=3 work=spin");
	/* Busy CPUs tick where this patches the kernel's code: see vmm/plugin/text/. */
	expect_ok(coord_enter(coord));
	expect_ok(agent_sched_attach(coord_agent(coord), "vtime", 0, NULL));
	expect_ok(coord_leave(coord));
	let_pass(300 * MS);
	return 0;
}

static int end(void **state)
{
	coord_destroy(coord);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gap),	cmocka_unit_test(test_real_gap),
		cmocka_unit_test(test_loop),	cmocka_unit_test(test_refused),
		cmocka_unit_test(test_flipped), cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_list),
	};

	coord = guest_boot_confined(1, "1n1l2c1t");
	return cmocka_run_group_tests(tests, begin, end);
}
