// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pack OUT.cpio [GUEST/PATH=HOST/FILE]...: the guest's initramfs, made so that the same files give the
 * same bytes: entries sorted by path, no times, owner 0. Folders on the way are made. Runs at build time
 * only.
 */
#include <archive.h>
#include <archive_entry.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char *const directories[] = {"dev",  "ktdbg", "ktdbg/bin", "ktdbg/lib", "ktdbg/sched",
					  "proc", "run",   "sys",       "tmp"};

static int fail(const char *what, const char *why)
{
	fprintf(stderr, "pack: %s: %s\n", what, why);
	return -1;
}

static int add_entry(struct archive *out, const char *path, unsigned int type, unsigned int mode,
		     const void *data, size_t len)
{
	struct archive_entry *entry = archive_entry_new();
	int status = -1;

	if (!entry)
		return fail(path, "no memory");
	archive_entry_set_pathname(entry, path);
	archive_entry_set_filetype(entry, type);
	archive_entry_set_perm(entry, mode);
	archive_entry_set_mtime(entry, 0, 0);
	archive_entry_set_size(entry, (la_int64_t)len);
	archive_entry_set_nlink(entry, type == AE_IFDIR ? 2 : 1);
	if (archive_write_header(out, entry) == ARCHIVE_OK &&
	    (!len || archive_write_data(out, data, len) == (la_ssize_t)len))
		status = 0;
	else
		fail(path, archive_error_string(out));
	archive_entry_free(entry);
	return status;
}

static int add_file(struct archive *out, const char *guest, const char *host)
{
	FILE *f = fopen(host, "rb");
	struct stat st;
	char *data;
	int status = -1;

	if (!f || fstat(fileno(f), &st) || !(data = malloc((size_t)st.st_size + 1))) {
		perror(host);
		if (f)
			fclose(f);
		return -1;
	}
	if (fread(data, 1, (size_t)st.st_size, f) == (size_t)st.st_size)
		status = add_entry(out, guest, AE_IFREG, st.st_mode & 0111 ? 0755 : 0644, data,
				   (size_t)st.st_size);
	else
		fail(host, "short read");
	free(data);
	fclose(f);
	return status;
}

static int is_listed(const char *path)
{
	for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++)
		if (!strcmp(directories[i], path))
			return 1;
	return 0;
}

/* The folders above `path` that `before`, the path before it in the sorted list, does not share. */
static int add_parents(struct archive *out, const char *before, char *path)
{
	int status = 0;

	for (char *slash = strchr(path, '/'); slash && !status; slash = strchr(slash + 1, '/')) {
		size_t len = (size_t)(slash - path);

		if (!strncmp(before, path, len + 1))
			continue;
		*slash = '\0';
		if (!is_listed(path))
			status = add_entry(out, path, AE_IFDIR, 0755, NULL, 0);
		*slash = '/';
	}
	return status;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int add_all(struct archive *out, int count, char **files)
{
	for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++)
		if (add_entry(out, directories[i], AE_IFDIR, 0755, NULL, 0))
			return -1;
	qsort(files, (size_t)count, sizeof(*files), compare);
	for (int i = 0; i < count; i++) {
		char *equals = strchr(files[i], '=');

		if (!equals)
			return fail(files[i], "not GUEST=HOST");
		*equals = '\0';
		if (add_parents(out, i ? files[i - 1] : "", files[i]) ||
		    add_file(out, files[i], equals + 1))
			return -1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct archive *out = archive_write_new();
	int status = 1;

	if (argc < 2 || !out) {
		fprintf(stderr, "usage: pack OUT.cpio [GUEST=HOST]...\n");
		return 2;
	}
	if (archive_write_set_format_cpio_newc(out) != ARCHIVE_OK ||
	    archive_write_open_filename(out, argv[1]) != ARCHIVE_OK)
		fail(argv[1], archive_error_string(out));
	else if (add_all(out, argc - 2, argv + 2) == 0 && archive_write_close(out) == ARCHIVE_OK)
		status = 0;
	archive_write_free(out);
	return status;
}
