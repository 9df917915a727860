/* SPDX-License-Identifier: GPL-2.0-or-later */
/* BPF maps and programs as ktdbg reads them from memory, against the kernel's own word: fdinfo, and
 * what a program inside the guest (inside/maps.c) put into its maps and reads from them. */
#include "tests/guest/typed.h"

#include "base/file.h"
#include "commands/completion.h"
#include "coord/agent.h"

#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECOND 1000000000ull

static struct agent *agent;
static int holder; /* pid of the program that holds the maps */

/* ---- helpers ---- */

/* What the kernel says of descriptor `fd` of process `pid`; false when there is none. */
static bool fdinfo(int pid, int fd, struct str *ret)
{
	char path[64];
	struct err *err;

	str_deinit(ret);
	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", pid, fd);
	err = agent_cat(agent, path, ret);
	err_free(err);
	return !err;
}

static bool fdinfo_number(const struct str *info, const char *key, int64_t *ret)
{
	const char *at = strstr(str_text(info), key);

	if (!at)
		return false;
	*ret = strtoll(at + strlen(key), NULL, 0);
	return true;
}

static int64_t fdinfo_must(const struct str *info, const char *key)
{
	int64_t value = 0;

	if (!fdinfo_number(info, key, &value))
		fail_msg("no %s in %s", key, str_text(info));
	return value;
}

static struct json_object *find_id(struct json_object *rows, const char *object, int64_t id)
{
	for (size_t i = 0; i < json_object_array_length(rows); i++)
		if (json_number(json_row(rows, i), "id") == id &&
		    strcmp(json_text(json_row(rows, i), "object"), object) == 0)
			return json_row(rows, i);
	fail_msg("no %s %d is listed", object, (int)id);
	return NULL;
}

static int64_t id_of(const char *map)
{
	char line[64];
	struct json_object *rows;
	int64_t id;

	snprintf(line, sizeof(line), "bpf maps where name == \"%s\"", map);
	rows = json_lines(line);
	id = json_number(json_row(rows, 0), "id");
	json_object_put(rows);
	return id;
}

/* The bytes that the kernel gives to a program in the guest. */
static void guest_reads(const char *map, uint64_t key, const char *hex)
{
	char verb[] = "read", id[24], text[24], *arguments[] = {verb, id, text};
	struct str value = {0};
	int pid, status;

	snprintf(id, sizeof(id), "%" PRId64, id_of(map));
	snprintf(text, sizeof(text), "%" PRIu64, key);
	expect_ok(agent_run(agent, NULL, "/maps", 3, arguments, &pid));
	expect_ok(agent_run_wait(agent, pid, 20 * SECOND, &status));
	assert_int_equal(status, 0);
	expect_ok(agent_cat(agent, "/maps.value", &value));
	if (strncmp(str_text(&value), hex, strlen(hex)) != 0)
		fail_msg("%s[%" PRIu64 "]: the guest reads %s, not %s", map, key, str_text(&value),
			 hex);
	str_deinit(&value);
}

/* ---- tests ---- */

/* Some kernels (6.18) still charge hashes for per-CPU locks that they no longer have. */
static void compare_memory(int64_t ours, int64_t theirs)
{
	int64_t locks = 4 * 8 * (int64_t)agent_cpus(agent);

	if (ours + locks != theirs)
		assert_int_equal(ours, theirs);
}

static void compare_map(struct json_object *map, const struct str *info)
{
	assert_int_equal(json_number(map, "key_size"), fdinfo_must(info, "key_size:"));
	assert_int_equal(json_number(map, "value_size"), fdinfo_must(info, "value_size:"));
	assert_int_equal(json_number(map, "max_entries"), fdinfo_must(info, "max_entries:"));
	assert_int_equal(json_number(map, "flags"), fdinfo_must(info, "map_flags:"));
	if (json_object_is_type(json_member(map, "memory"), json_type_int))
		compare_memory(json_number(map, "memory"), fdinfo_must(info, "memlock:"));
}

static void test_maps_are_those_of_fdinfo(void **state)
{
	struct json_object *rows = json_lines("bpf maps");
	struct str info = {0};
	unsigned int compared = 0;
	int64_t id;

	(void)state;
	for (int fd = 3; fd < 32; fd++) {
		if (!fdinfo(holder, fd, &info) || !fdinfo_number(&info, "map_id:", &id))
			continue;
		compare_map(find_id(rows, "map", id), &info);
		compared++;
	}
	assert_int_equal(compared, 11);
	str_deinit(&info);
	json_object_put(rows);
}

/* The names of include/uapi/linux/bpf.h, and figures that other maps do not have. */
static void test_types_and_counts(void **state)
{
	static const char *const types[][2] = {
		{"squares", "hash"},	  {"table", "array"},	     {"recent", "lru_hash"},
		{"hits", "percpu_array"}, {"levels", "percpu_hash"}, {"last", "lru_percpu_hash"},
		{"queue", "queue"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		char line[96], wanted[96];

		snprintf(line, sizeof(line), "bpf maps where name == \"%s\" columns type",
			 types[i][0]);
		snprintf(wanted, sizeof(wanted), "type\n%s\n", types[i][1]);
		prints(line, wanted);
	}
	prints("bpf maps where name == \"squares\" columns entries,max_entries,map_type",
	       "entries  max_entries           map_type\n"
	       "     50           64  BPF_MAP_TYPE_HASH\n");
}

static void check_pairs(const char *line, uint32_t from, uint32_t count)
{
	struct json_object *rows = json_lines(line);

	assert_int_equal(json_object_array_length(rows), count);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t key = from + i;
		char wanted[64];

		snprintf(wanted, sizeof(wanted), "{ .count = %u, .sum = %u, }", key, key * key);
		assert_int_equal(json_number(json_row(rows, i), "key"), key);
		assert_string_equal(json_text(json_row(rows, i), "value"), wanted);
	}
	json_object_put(rows);
}

static void test_arrays_and_hashes(void **state)
{
	(void)state;
	check_pairs("bpf map table", 0, 10);
	check_pairs("bpf map squares", 1, 50);
	prints("bpf map recent", "key  value\n  0  70\n  1  80\n  2  90\n");
	prints("bpf map names", "  key  value\n  ant  1\n mole  2\nzebra  0\n");
	prints("bpf map raw", "             key  value\n8877665544332211  aabbccdd\n");
	prints("bpf map squares[7]", "{\n        .count = 7,\n        .sum = 49,\n}\n");
	prints("bpf map table[9].sum", "81\n");
	prints("print bpf(squares[50].sum) + bpf(recent[1])", "2580\n");
}

static void check_percpu(const char *map, int64_t first_key, int64_t second_key)
{
	struct json_object *rows = json_lines(map);
	unsigned int cpus = agent_cpus(agent);

	assert_true(json_object_array_length(rows) >= 2 * cpus);
	for (unsigned int i = 0; i < 2 * cpus; i++) {
		int64_t key = i < cpus ? first_key : second_key;

		assert_int_equal(json_number(json_row(rows, i), "key"), key);
		assert_int_equal(json_number(json_row(rows, i), "cpu"), i % cpus);
		assert_int_equal(json_number(json_row(rows, i), "value"), 10 * key + i % cpus);
	}
	json_object_put(rows);
}

static void test_percpu_maps(void **state)
{
	(void)state;
	check_percpu("bpf map hits", 0, 1);
	check_percpu("bpf map levels", -1, 5);
	prints("bpf map hits[2][1]", "21\n");
	prints("bpf map levels[5][3]", "53\n");
	prints("bpf map last[7][2]", "72\n");
	fails("bpf map hits[0]", ERR_USAGE, "a CPU in brackets is wanted");
	fails("bpf map hits[0][99]", ERR_NOT_FOUND, "no CPU 99: the guest has 0 to");
}

static void test_sections(void **state)
{
	struct json_object *rows = json_lines("bpf map test.data");

	(void)state;
	assert_int_equal(json_object_array_length(rows), 4);
	assert_string_equal(json_text(json_row(rows, 0), "name"), "limit");
	assert_string_equal(json_text(json_row(rows, 0), "type"), "int");
	assert_int_equal(json_number(json_row(rows, 0), "value"), -42);
	assert_string_equal(json_text(json_row(rows, 1), "value"), "hello");
	assert_string_equal(json_text(json_row(rows, 2), "type"), "struct pair [2]");
	assert_string_equal(json_text(json_row(rows, 2), "value"),
			    "{{ .count = 1, .sum = 2, }, { .count = 3, .sum = 4, }}");
	assert_true(json_object_get_boolean(json_member(json_row(rows, 3), "value")));
	assert_int_equal(json_number(json_row(rows, 1), "address"), json_number(json_row(rows, 0), "address") + 4);
	json_object_put(rows);
	prints("bpf map rodata.pairs[1].sum", "4\n");
	prints("bpf map .data.name", "\"hello\"\n");
}

static void test_set_is_what_the_guest_reads(void **state)
{
	(void)state;
	runs("freeze");
	prints("bpf set .data.limit 17", "int -42 -> 17\n");
	prints("bpf set squares[7].sum 0x55", "unsigned long 49 -> 85\n");
	prints("bpf set hits[2][1] 999", "unsigned long 21 -> 999\n");
	prints("bpf set raw[0x1122334455667788] 5 :u32", "u32 3721182122 -> 5\n");
	prints("bpf set .data.name bye", "char [16] \"hello\" -> \"bye\"\n");
	prints("undo", "1 write undone\n");
	prints("bpf map .data.name", "\"hello\"\n");
	prints("write bpf test.data.on false --dry-run", "_Bool true -> false (dry run)\n");
	prints("read bpf .data.on", "_Bool true\n");
	runs("thaw");
	guest_reads("test.data", 0,
		    "11000000"
		    "68656c6c6f");
	guest_reads("squares", 7,
		    "0700000000000000"
		    "5500000000000000");
	guest_reads("hits", 2,
		    "1400000000000000"
		    "e703000000000000");
	guest_reads("raw", 0x1122334455667788ull, "05000000");
}

static void test_writes_are_listed(void **state)
{
	struct json_object *rows = json_lines("changes");

	(void)state;
	assert_string_equal(json_text(json_row(rows, 0), "target"), "bpf .data.limit");
	assert_string_equal(json_text(json_row(rows, 0), "new"), "17");
	assert_string_equal(json_text(json_row(rows, 4), "state"), "undone");
	json_object_put(rows);
}

static void test_refusals(void **state)
{
	(void)state;
	fails("bpf set rodata.limit 1", ERR_REFUSED,
	      "rodata.limit is read-only for programs, whose code has its value built in: not "
	      "written without --force FIELD");
	prints("bpf set rodata.limit 1 --force FIELD", "int -42 -> 1 (forced)\n");
	fails("bpf set .data.on 2", ERR_REFUSED, "2 does not fit _Bool (0..1)");
	fails("bpf set .data.limit 5 :u64", ERR_REFUSED, "u64 does not fit: the field is int");
	fails("bpf set .data.limt 5", ERR_NOT_FOUND,
	      "test.data has no variable 'limt'; near: limit");
	fails("bpf set .data 5", ERR_USAGE, "the name of one is wanted after a dot");
	fails("bpf map squares[51]", ERR_NOT_FOUND, "no key 51 in map");
	fails("bpf map table[10]", ERR_NOT_FOUND, "index 10 is past the 10 entries");
	fails("bpf map table[-1]", ERR_NOT_FOUND, "index -1 is past the 10 entries");
	fails("bpf map names[1]", ERR_USAGE, "keys of 16 bytes cannot be told by a number");
	fails("bpf map queue", ERR_REFUSED, "is of type queue, of which contents are not shown");
	fails("bpf map square", ERR_NOT_FOUND, "no BPF map 'square' among");
	fails("bpf set table[0] 1", ERR_REFUSED, "struct pair is written member by member");
	fails("bpf frob", ERR_USAGE, "usage: bpf ");
	fails("print bpf(table[1])", ERR_USAGE, "struct pair is no number");
	fails("print bpf(tabel[1])", ERR_NOT_FOUND, "near: table");
}

static void completes(const char *line, const char *wanted)
{
	struct completion c;
	struct str all = {0};

	expect_ok(completion_find(session, line, strlen(line), &c));
	for (unsigned int i = 0; i < c.count; i++)
		str_addf(&all, "%s ", c.candidates[i]);
	assert_string_equal(str_text(&all), wanted);
	completion_deinit(&c);
	str_deinit(&all);
}

static void test_completion(void **state)
{
	(void)state;
	completes("bpf map s", "squares ");
	completes("bpf set .d", ".data ");
	completes("bpf set .data.l", ".data.limit ");
	completes("bpf map test.rodata.", "test.rodata.limit test.rodata.name "
					  "test.rodata.on test.rodata.pairs ");
	completes("read bpf ta", "table ");
}

static bool has_sched_ext(void)
{
	struct kernel *k;

	expect_ok(coord_kernel(session_coord(session), &k));
	return kernel_info(k)->sched_ext;
}

static void test_programs_of_a_scheduler(void **state)
{
	struct json_object *rows;
	struct str info = {0};
	struct agent_health health;
	unsigned int compared = 0;
	int64_t id;

	(void)state;
	if (!has_sched_ext())
		skip();
	expect_ok(agent_sched_attach(agent, "vtime", 0, NULL));
	agent_health(agent, &health);
	rows = json_lines("bpf");
	for (int fd = 3; fd < 64; fd++) {
		if (!fdinfo((int)health.scheduler_pid, fd, &info))
			continue;
		if (fdinfo_number(&info, "map_id:", &id) && !strstr(str_text(&info), "link_"))
			compare_map(find_id(rows, "map", id), &info);
		if (!fdinfo_number(&info, "prog_id:", &id))
			continue;
		assert_int_equal(
			json_object_get_boolean(json_member(find_id(rows, "program", id), "jited")),
			fdinfo_must(&info, "prog_jited:"));
		compared++;
	}
	json_object_put(rows);
	assert_true(compared >= 7);
	expect_ok(typed_execute("run 200ms", OUT_TEXT, &info));
	prints("expect bpf(.bss.nr_direct) + bpf(.bss.nr_shared) > 0", "");
	prints("expect bpf(bss.vtime_now) < 3600s", "");
	str_deinit(&info);
}

/* ---- the guest ---- */

static bool is_ready(void)
{
	struct str text = {0};
	struct err *err = agent_cat(agent, "/maps.ready", &text);

	str_deinit(&text);
	err_free(err);
	return !err;
}

static void start_holder(void)
{
	struct str text = {0};

	expect_ok(agent_run(agent, NULL, "/maps", 0, NULL, &holder));
	for (int i = 0; i < 200 && !is_ready(); i++)
		expect_ok(typed_execute("run 50ms", OUT_TEXT, &text));
	assert_true(is_ready());
	str_deinit(&text);
}

/* The program for the guest lies beside this one. */
static char *add_file(void)
{
	char self[4096] = "";
	char *argument;

	assert_true(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	argument = str_format("%s/maps:/maps", dirname(self));
	assert_non_null(argument);
	return argument;
}

static int start(void **state)
{
	static struct options options;
	static const char *files[1];

	(void)state;
	typed_options(&options);
	files[0] = add_file();
	options.add_files = files;
	options.add_file_count = 1;
	typed_boot(&options);
	agent = coord_agent(session_coord(session));
	start_holder();
	free((char *)(uintptr_t)files[0]);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_maps_are_those_of_fdinfo),
		cmocka_unit_test(test_types_and_counts),
		cmocka_unit_test(test_arrays_and_hashes),
		cmocka_unit_test(test_percpu_maps),
		cmocka_unit_test(test_sections),
		cmocka_unit_test(test_set_is_what_the_guest_reads),
		cmocka_unit_test(test_writes_are_listed),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_completion),
		cmocka_unit_test(test_programs_of_a_scheduler),
	};

	return cmocka_run_group_tests(tests, start, typed_end);
}
