/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a boot adds to the guest image, read back with libarchive; and ELF files that lie. */
#include "tests/expect.h"

#include "base/file.h"
#include "base/str.h"
#include "vmm/elf_needs.h"
#include "vmm/guest_image.h"

#include <archive.h>
#include <archive_entry.h>
#include <elf.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

struct fixture {
	char folder[32], base[64], plain[64], program[64];
};

static void put(const char *path, const void *data, size_t len, mode_t mode)
{
	expect_ok(replace_file(path, data, len));
	assert_int_equal(chmod(path, mode), 0);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	strcpy(f->folder, "/tmp/ktdbg-test-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	snprintf(f->base, sizeof(f->base), "%s/base.cpio", f->folder);
	snprintf(f->plain, sizeof(f->plain), "%s/a:b", f->folder);
	snprintf(f->program, sizeof(f->program), "%s/program", f->folder);
	put(f->base, "base", 4, 0644);
	put(f->plain, "plain text", 10, 0644);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	unlink(f->base);
	unlink(f->plain);
	unlink(f->program);
	rmdir(f->folder);
	free(f);
	return 0;
}

/* Where an entry lies in the archive, -1: not there. `data` (may be NULL) gets its first bytes. */
static int find_entry(const char *path, const char *name, unsigned int *ret_mode, char data[64])
{
	struct archive *in = archive_read_new();
	struct archive_entry *entry;
	int found = -1;

	archive_read_support_format_cpio(in);
	assert_int_equal(archive_read_open_filename(in, path, 10240), ARCHIVE_OK);
	for (int i = 0; found < 0 && archive_read_next_header(in, &entry) == ARCHIVE_OK; i++) {
		if (strcmp(archive_entry_pathname(entry), name) != 0)
			continue;
		found = i;
		assert_int_equal(archive_entry_mtime(entry), 0);
		assert_int_equal(archive_entry_uid(entry), 0);
		*ret_mode = archive_entry_mode(entry);
		if (data) {
			memset(data, 0, 64);
			assert_true(archive_read_data(in, data, 63) >= 0);
		}
	}
	archive_read_free(in);
	return found;
}

static unsigned int count_entries(const char *path, const char *name)
{
	struct archive *in = archive_read_new();
	struct archive_entry *entry;
	unsigned int n = 0;

	archive_read_support_format_cpio(in);
	assert_int_equal(archive_read_open_filename(in, path, 10240), ARCHIVE_OK);
	while (archive_read_next_header(in, &entry) == ARCHIVE_OK)
		n += strcmp(archive_entry_pathname(entry), name) == 0;
	archive_read_free(in);
	return n;
}

static void test_base_alone(void **state)
{
	struct fixture *f = *state;
	const struct guest_image_config config = {.base = f->base, .scheduler = "vtime"};
	struct guest_image *image;

	expect_ok(guest_image_create(&config, &image));
	assert_int_equal(guest_image_initrd_count(image), 1);
	assert_string_equal(guest_image_initrds(image)[0], f->base);
	assert_string_equal(guest_image_scheduler(image), "vtime");
	guest_image_destroy(image);
	guest_image_destroy(NULL);
}

static void test_added_file(void **state)
{
	struct fixture *f = *state;
	char wish[128], data[64];
	const char *const wishes[] = {wish};
	const struct guest_image_config config = {.base = f->base, .add_files = wishes, .add_file_count = 1};
	struct guest_image *image;
	unsigned int mode;
	const char *extra;
	int folder;

	snprintf(wish, sizeof(wish), "%s:/etc/deep/name", f->plain); /* the host's name has a colon */
	expect_ok(guest_image_create(&config, &image));
	assert_int_equal(guest_image_initrd_count(image), 2);
	assert_null(guest_image_scheduler(image));
	extra = guest_image_initrds(image)[1];
	folder = find_entry(extra, "etc/deep", &mode, NULL);
	assert_int_equal(mode, S_IFDIR | 0755);
	assert_true(find_entry(extra, "etc", &mode, NULL) < folder);
	assert_true(find_entry(extra, "etc/deep/name", &mode, data) > folder);
	assert_int_equal(mode, S_IFREG | 0644);
	assert_string_equal(data, "plain text");
	guest_image_destroy(image);
}

/* The test itself is a dynamic program. */
static void test_scheduler_program(void **state)
{
	struct fixture *f = *state;
	const struct guest_image_config config = {.base = f->base, .scheduler = "/proc/self/exe"};
	struct guest_image *image;
	unsigned int mode;
	const char *extra;
	char data[64];

	expect_ok(guest_image_create(&config, &image));
	assert_string_equal(guest_image_scheduler(image), "exe");
	extra = guest_image_initrds(image)[1];
	assert_true(find_entry(extra, "ktdbg/sched/exe", &mode, data) > 0);
	assert_int_equal(mode & 0111, 0111);
	assert_memory_equal(data, ELFMAG, SELFMAG);
	assert_true(find_entry(extra, "ktdbg/lib/libc.so.6", &mode, data) > 0);
	assert_memory_equal(data, ELFMAG, SELFMAG);
	assert_true(find_entry(extra, "lib64/ld-linux-x86-64.so.2", &mode, data) > 0);
	/* libcmocka and libarchive are what it asks for; zlib is what libarchive asks for. */
	assert_true(find_entry(extra, "ktdbg/lib/libz.so.1", &mode, data) > 0);
	guest_image_destroy(image);
}

/* A program brings its libraries, once; without a place it is where programs are looked for. */
static void test_added_programs(void **state)
{
	struct fixture *f = *state;
	static const char *const wishes[] = {"/proc/self/exe", "/proc/self/exe:/opt/second"};
	const struct guest_image_config config = {.base = f->base, .add_files = wishes, .add_file_count = 2};
	struct guest_image *image;
	unsigned int mode;
	const char *extra;

	expect_ok(guest_image_create(&config, &image));
	extra = guest_image_initrds(image)[1];
	assert_true(find_entry(extra, "ktdbg/bin/exe", &mode, NULL) > 0);
	assert_int_equal(mode & 0111, 0111);
	assert_true(find_entry(extra, "ktdbg/lib/libz.so.1", &mode, NULL) > 0);
	assert_true(find_entry(extra, "opt/second", &mode, NULL) > 0);
	assert_int_equal(count_entries(extra, "ktdbg/lib/libz.so.1"), 1);
	guest_image_destroy(image);
}

static void test_same_bytes(void **state)
{
	struct fixture *f = *state;
	const struct guest_image_config config = {.base = f->base, .scheduler = "/proc/self/exe"};
	char first[SHA256_TEXT], second[SHA256_TEXT];
	struct guest_image *image;

	expect_ok(guest_image_create(&config, &image));
	expect_ok(sha256_file(guest_image_initrds(image)[1], first));
	guest_image_destroy(image);
	expect_ok(guest_image_create(&config, &image));
	expect_ok(sha256_file(guest_image_initrds(image)[1], second));
	guest_image_destroy(image);
	assert_string_equal(first, second);
}

static void refuse(const struct guest_image_config *config, enum err_kind kind, const char *part)
{
	struct guest_image *image;

	expect_err_with(guest_image_create(config, &image), kind, part);
}

static void test_refusals(void **state)
{
	struct fixture *f = *state;
	static const char *const bad[] = {"", "/usr/", "/etc/passwd:relative", "/etc/passwd:/", ":/x",
					  "/etc/passwd:/a/../../b", "/etc/passwd:/.."};
	static const char *const alone[] = {"nothing"};
	static const char *const missing[] = {"/nonexistent/file:/x"}, *const folder[] = {"/etc:/x"};

	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		refuse(&(struct guest_image_config){.base = f->base, .add_files = &bad[i], .add_file_count = 1},
		       ERR_USAGE, "HOST:GUEST, GUEST a path from / on");
	refuse(&(struct guest_image_config){.base = f->base, .add_files = alone, .add_file_count = 1},
	       ERR_OS, "--add-file: nothing: No such file or directory");
	refuse(&(struct guest_image_config){.base = f->base, .add_files = missing, .add_file_count = 1},
	       ERR_OS, "--add-file: /nonexistent/file: No such file or directory");
	refuse(&(struct guest_image_config){.base = f->base, .add_files = folder, .add_file_count = 1},
	       ERR_USAGE, "--add-file: /etc is not a file");
	refuse(&(struct guest_image_config){.base = "/nonexistent.cpio"}, ERR_ENVIRONMENT,
	       "no guest image at /nonexistent.cpio: run make");
	refuse(&(struct guest_image_config){.base = f->base, .scheduler = ""}, ERR_USAGE,
	       "--scheduler \"\": a NAME or the PATH of a program");
	refuse(&(struct guest_image_config){.base = f->base, .scheduler = f->plain}, ERR_BAD_DATA,
	       "a:b: not a 64-bit x86 ELF program");
}

/* A small ELF file whose one dynamic entry asks for the text at `name` of the string table. */
struct small_elf {
	Elf64_Ehdr header;
	Elf64_Phdr programs[2];
	Elf64_Dyn dynamic[3];
	char strings[32];
};

static struct small_elf small_elf(void)
{
	struct small_elf e = {
		.header = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64}, .e_machine = EM_X86_64,
			   .e_phoff = offsetof(struct small_elf, programs),
			   .e_phentsize = sizeof(Elf64_Phdr), .e_phnum = 2},
		.programs = {{.p_type = PT_LOAD, .p_filesz = sizeof(e)},
			     {.p_type = PT_DYNAMIC, .p_offset = offsetof(struct small_elf, dynamic),
			      .p_filesz = sizeof(e.dynamic)}},
		.dynamic = {{.d_tag = DT_NEEDED, .d_un.d_val = 1},
			    {.d_tag = DT_STRTAB, .d_un.d_ptr = offsetof(struct small_elf, strings)}},
		.strings = "\0libnone.so.1",
	};

	return e;
}

static void expect_needs(struct fixture *f, const void *data, size_t len, enum err_kind kind,
			 const char *part)
{
	struct elf_needs needs;

	put(f->program, data, len, 0755);
	expect_err_with(elf_needs_find(f->program, &needs), kind, part);
}

static void test_lying_elf(void **state)
{
	struct fixture *f = *state;
	struct small_elf e = small_elf();

	expect_needs(f, &e, sizeof(e), ERR_NOT_FOUND,
		     "program needs libnone.so.1, which is not on this machine");
	expect_needs(f, &e, sizeof(e.header) - 1, ERR_BAD_DATA, "not a 64-bit x86 ELF program");
	expect_needs(f, &e, sizeof(e.header), ERR_BAD_DATA, "its program headers lie outside the file");
	e.header.e_phoff = UINT64_MAX - 7;
	expect_needs(f, &e, sizeof(e), ERR_BAD_DATA, "its program headers lie outside the file");
	e = small_elf();
	e.dynamic[0].d_un.d_val = UINT64_MAX - 4;
	expect_needs(f, &e, sizeof(e), ERR_BAD_DATA, "the name of a library lies outside the file");
	e = small_elf();
	memset(e.strings, 'x', sizeof(e.strings)); /* a name without an end */
	expect_needs(f, &e, sizeof(e), ERR_BAD_DATA, "the name of a library lies outside the file");
	e = small_elf();
	e.header.e_machine = EM_AARCH64;
	expect_needs(f, &e, sizeof(e), ERR_BAD_DATA, "not a 64-bit x86 ELF program");
	e = small_elf();
	e.programs[0] = (Elf64_Phdr){.p_type = PT_INTERP, .p_offset = UINT64_MAX};
	expect_needs(f, &e, sizeof(e), ERR_BAD_DATA, "its interpreter has no path");
}

static void test_static_program(void **state)
{
	struct fixture *f = *state;
	struct small_elf e = small_elf();
	struct elf_needs needs;

	e.header.e_phnum = 1; /* no dynamic segment */
	put(f->program, &e, sizeof(e), 0755);
	expect_ok(elf_needs_find(f->program, &needs));
	assert_int_equal(needs.count, 0);
	elf_needs_deinit(&needs);
}

/* DT_RUNPATH with $ORIGIN: the library beside the program. */
static void test_origin(void **state)
{
	struct fixture *f = *state;
	struct small_elf e = small_elf(), library = small_elf();
	struct elf_needs needs;
	char path[64];

	memcpy(e.strings, "\0libmine.so\0$ORIGIN", 20);
	e.dynamic[2] = (Elf64_Dyn){.d_tag = DT_RUNPATH, .d_un.d_val = 12};
	library.header.e_phnum = 1;
	snprintf(path, sizeof(path), "%s/libmine.so", f->folder);
	put(path, &library, sizeof(library), 0644);
	put(f->program, &e, sizeof(e), 0755);
	expect_ok(elf_needs_find(f->program, &needs));
	assert_int_equal(needs.count, 1);
	assert_string_equal(needs.list[0].path, path);
	assert_string_equal(needs.list[0].soname, "libmine.so");
	elf_needs_deinit(&needs);
	unlink(path);
}

#define ONE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ONE(test_base_alone), ONE(test_added_file), ONE(test_scheduler_program), ONE(test_same_bytes),
		ONE(test_added_programs),
		ONE(test_refusals),   ONE(test_lying_elf),  ONE(test_static_program),    ONE(test_origin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
