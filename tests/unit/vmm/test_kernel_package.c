/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Choosing an archive and a package, and packages made here with libarchive: good, wrong and cut off. */
#include "vmm/kernel_fetch.h"

#include "base/file.h"
#include "base/str.h"
#include "tests/expect.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static void test_the_archive_of_debian_12(void **state)
{
	static const char targets[] =
		"https://deb.nodesource.com/node_20.x/|nodistro|main|\n"
		"http://mirror.example/debian-security/|bookworm-security|main|Debian\n"
		"http://mirror.example/debian/|bookworm|contrib|Debian\n"
		"http://mirror.example/debian/|bookworm|main|Debian\n";
	struct kernel_archive archive;

	expect_ok(kernel_archive_choose(targets, "bookworm", &archive));
	assert_string_equal(archive.uri, "http://mirror.example/debian/");
	assert_string_equal(archive.suite, "trixie-backports");
}

static void test_without_lists_the_address_decides(void **state)
{
	/* Before the first `apt-get update` no origin is known. */
	static const char targets[] = "https://packages.example/php/|trixie|main|\n"
				      "http://mirror.example/pub/debian/|trixie|main|\n";
	struct kernel_archive archive;

	expect_ok(kernel_archive_choose(targets, "trixie", &archive));
	assert_string_equal(archive.uri, "http://mirror.example/pub/debian/");
}

static void test_a_mirror_list_will_do(void **state)
{
	struct kernel_archive archive;

	expect_ok(kernel_archive_choose("mirror+file:/etc/apt/mirrors/list/|bookworm|main|\n", "bookworm",
					&archive));
	assert_string_equal(archive.uri, "mirror+file:/etc/apt/mirrors/list/");
}

static void test_a_later_release_has_its_own_kernels(void **state)
{
	struct kernel_archive archive;

	expect_ok(kernel_archive_choose("http://m/debian/|testing|main|Debian", "forky", &archive));
	assert_string_equal(archive.suite, "testing");
}

static void test_no_archive(void **state)
{
	static const char *const bad[] = {"", "\n\n", "http://m/debian/|bookworm", "|||",
					  "http://m/ubuntu/|noble|main|Ubuntu\n"};
	struct kernel_archive archive;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		expect_err(kernel_archive_choose(bad[i], "bookworm", &archive), ERR_ENVIRONMENT,
			   "apt's sources name no Debian archive for bookworm to fetch a kernel from; "
			   "give --kernel PATH");
}

static const char names[] = "linux-image-7.1.13+deb13-cloud-amd64 - Linux\n"
			    "linux-binary-7.1.13+deb13-cloud-amd64 - Linux\n"
			    "linux-binary-7.1.9+deb13-cloud-amd64 - Linux\n"
			    "linux-image-6.18.15+deb13-cloud-amd64 - Linux\n"
			    "linux-binary-7.3-rc2+deb13-cloud-amd64 - Linux\n"
			    "linux-binary-7.3~rc3-cloud-amd64 - Linux\n"
			    "linux-image-cloud-amd64 - newest\n"
			    "linux-image-../../x-cloud-amd64 - Linux\n";

static void assert_chosen(const char *wanted, const char *name, const char *version)
{
	struct kernel_package package;

	expect_ok(kernel_package_choose(names, wanted, &package));
	assert_string_equal(package.name, name);
	assert_string_equal(package.version, version);
}

static void test_the_newest_release_is_chosen(void **state)
{
	assert_chosen(NULL, "linux-binary-7.1.13+deb13-cloud-amd64", "7.1.13+deb13-cloud-amd64");
	assert_chosen("7.1", "linux-binary-7.1.13+deb13-cloud-amd64", "7.1.13+deb13-cloud-amd64");
	assert_chosen("7.1.9", "linux-binary-7.1.9+deb13-cloud-amd64", "7.1.9+deb13-cloud-amd64");
	assert_chosen("6", "linux-image-6.18.15+deb13-cloud-amd64", "6.18.15+deb13-cloud-amd64");
}

static void test_a_version_that_is_not_there(void **state)
{
	struct kernel_package package;

	expect_err(kernel_package_choose(names, "7.1.1", &package), ERR_NOT_FOUND,
		   "the archive has no kernel 7.1.1; its newest: 7.1.13+deb13-cloud-amd64, "
		   "7.1.9+deb13-cloud-amd64, 6.18.15+deb13-cloud-amd64");
	expect_err(kernel_package_choose("", NULL, &package), ERR_NOT_FOUND,
		   "the archive has no kernel at all");
}

static void test_of_many_versions_the_newest_are_listed(void **state)
{
	struct kernel_package package;
	struct str many = {0};

	for (unsigned int i = 0; i < 40; i++)
		for (unsigned int j = 0; j < 2; j++)
			str_addf(&many, "linux-%s-7.%u-cloud-amd64 - x\n", j ? "image" : "binary", i * 7 % 40);
	expect_err(kernel_package_choose(str_text(&many), "6", &package), ERR_NOT_FOUND,
		   "the archive has no kernel 6; its newest: 7.39-cloud-amd64, 7.38-cloud-amd64, "
		   "7.37-cloud-amd64, 7.36-cloud-amd64, 7.35-cloud-amd64, 7.34-cloud-amd64, "
		   "7.33-cloud-amd64, 7.32-cloud-amd64, 7.31-cloud-amd64, 7.30-cloud-amd64, "
		   "7.29-cloud-amd64, 7.28-cloud-amd64");
	str_deinit(&many);
}

static char folder[512];

static int setup(void **state)
{
	const char *given = getenv("TEST_DIR");

	snprintf(folder, sizeof(folder), "%s/ktdbg-package-XXXXXX", given ? given : "/tmp");
	return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state)
{
	char command[600];

	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command);
}

static void add_member(struct archive *a, const char *name, const void *data, size_t len)
{
	struct archive_entry *entry = archive_entry_new();

	archive_entry_set_pathname(entry, name);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, 0644);
	archive_entry_set_size(entry, (la_int64_t)len);
	assert_int_equal(archive_write_header(a, entry), ARCHIVE_OK);
	assert_int_equal(archive_write_data(a, data, len), (la_ssize_t)len);
	archive_entry_free(entry);
}

/* A tar with one file, compressed as `filter` says; caller frees. */
static char *make_tar(const char *member, const char *data, const char *filter, size_t *ret_len)
{
	struct archive *a = archive_write_new();
	size_t size = 1 << 20;
	char *buffer = malloc(size);

	archive_write_set_format_gnutar(a);
	archive_write_add_filter_by_name(a, filter);
	assert_int_equal(archive_write_open_memory(a, buffer, size, ret_len), ARCHIVE_OK);
	add_member(a, "./usr/share/doc/x", "text", 4);
	add_member(a, member, data, strlen(data));
	assert_int_equal(archive_write_close(a), ARCHIVE_OK);
	archive_write_free(a);
	return buffer;
}

static const char *make_package(const char *member, const char *filter, size_t cut)
{
	static char path[600];
	struct archive *a = archive_write_new();
	size_t len;
	char *tar = make_tar(member, "the image", filter, &len);

	snprintf(path, sizeof(path), "%s/x.deb", folder);
	archive_write_set_format_ar_svr4(a);
	archive_write_set_bytes_in_last_block(a, 1);
	assert_int_equal(archive_write_open_filename(a, path), ARCHIVE_OK);
	add_member(a, "debian-binary", "2.0\n", 4);
	add_member(a, "control.tar.xz", "not looked at", 13);
	add_member(a, "data.tar.xz", tar, len);
	archive_write_close(a);
	archive_write_free(a);
	free(tar);
	if (cut) {
		struct stat st;

		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(truncate(path, st.st_size - (off_t)cut), 0);
	}
	return path;
}

static struct err *unpack(const char *package, char *ret, size_t size)
{
	char path[600];
	struct err *err;
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "%s/image", folder);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	err = kernel_package_unpack(package, fd);
	got = pread(fd, ret, size - 1, 0);
	ret[got > 0 ? got : 0] = '\0';
	close(fd);
	return err;
}

static void test_unpacks_both_places_and_compressions(void **state)
{
	static const struct {
		const char *member, *filter;
	} rows[] = {
		{"./boot/vmlinuz-6.18.15+deb13-cloud-amd64", "xz"},
		{"./usr/lib/modules/7.2.12+deb13-cloud-amd64/vmlinuz", "zstd"},
		{"usr/lib/modules/7.2/vmlinuz", "gzip"},
	};
	char image[64];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		expect_ok(unpack(make_package(rows[i].member, rows[i].filter, 0), image, sizeof(image)));
		assert_string_equal(image, "the image");
	}
}

static void test_packages_that_are_none(void **state)
{
	char image[64], path[600];

	expect_err_with(unpack(make_package("./boot/config-7.2", "xz", 0), image, sizeof(image)), ERR_BAD_DATA,
			"x.deb: it holds no kernel image");
	expect_err_with(unpack(make_package("./usr/lib/modules/7.2/kernel/vmlinuz", "xz", 0), image,
			       sizeof(image)),
			ERR_BAD_DATA, "it holds no kernel image");
	expect_err_with(unpack(make_package("./boot/vmlinuz-7.2", "xz", 60), image, sizeof(image)),
			ERR_BAD_DATA, "x.deb: ");
	snprintf(path, sizeof(path), "%s/empty.deb", folder);
	expect_ok(replace_file(path, "", 0));
	expect_err_with(unpack(path, image, sizeof(image)), ERR_BAD_DATA, "empty.deb: ");
	expect_ok(replace_file(path, "!<arch>\n", 8));
	expect_err_with(unpack(path, image, sizeof(image)), ERR_BAD_DATA, "it is no Debian package");
	expect_err_with(unpack("/none.deb", image, sizeof(image)), ERR_BAD_DATA, "/none.deb: ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_archive_of_debian_12),
		cmocka_unit_test(test_without_lists_the_address_decides),
		cmocka_unit_test(test_a_mirror_list_will_do),
		cmocka_unit_test(test_a_later_release_has_its_own_kernels),
		cmocka_unit_test(test_no_archive),
		cmocka_unit_test(test_the_newest_release_is_chosen),
		cmocka_unit_test(test_a_version_that_is_not_there),
		cmocka_unit_test(test_of_many_versions_the_newest_are_listed),
		cmocka_unit_test(test_unpacks_both_places_and_compressions),
		cmocka_unit_test(test_packages_that_are_none),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
