/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmm/kernel_fetch.h"

#include "base/file.h"
#include "base/str.h"
#include "vmm/kernel_cache.h"

#include <archive.h>
#include <archive_entry.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IMAGE_MAX (256LL << 20)
#define LINE_MAX_BYTES 1024
#define VERSIONS_SHOWN 12

/* Copies the next line of *text, cut at LINE_MAX_BYTES - 1; false at the end. */
static bool next_line(const char **text, char line[LINE_MAX_BYTES])
{
	size_t len = strcspn(*text, "\n"), kept = len < LINE_MAX_BYTES ? len : LINE_MAX_BYTES - 1;

	if (**text == '\0')
		return false;
	memcpy(line, *text, kept);
	line[kept] = '\0';
	*text += len + ((*text)[len] == '\n');
	return true;
}

/* How surely a target line is the distribution's own archive; 0: it is not. */
static int archive_score(const char *uri, const char *release, const char *component,
			 const char *origin, const char *codename)
{
	size_t len = strlen(uri);

	if (strcmp(component, "main") != 0 || len == 0 || len >= ARCHIVE_URI_MAX)
		return 0;
	if (strcmp(release, codename) != 0 && strcmp(release, "stable") != 0 &&
	    strcmp(release, "testing") != 0 && strcmp(release, "unstable") != 0 &&
	    strcmp(release, "sid") != 0)
		return 0;
	if (strcmp(origin, "Debian") == 0)
		return 4;
	if (strstr(uri, "/debian/") || fnmatch("*/debian", uri, 0) == 0)
		return 3;
	return str_starts(uri, "mirror+") ? 2 : 1;
}

static const char *suite_for(const char *codename, const char *release)
{
	if (strcmp(codename, "bookworm") == 0 || strcmp(codename, "trixie") == 0)
		return "trixie-backports";
	return release;
}

struct err *kernel_archive_choose(const char *targets, const char *codename,
				  struct kernel_archive *ret)
{
	char line[LINE_MAX_BYTES];
	int best = 0;

	while (next_line(&targets, line)) {
		char *rest = line, *uri = strsep(&rest, "|"), *release = strsep(&rest, "|");
		char *component = strsep(&rest, "|"), *origin = strsep(&rest, "|");
		int score;

		if (!origin)
			continue;
		score = archive_score(uri, release, component, origin, codename);
		if (score <= best)
			continue;
		best = score;
		snprintf(ret->uri, sizeof(ret->uri), "%s", uri);
		snprintf(ret->suite, sizeof(ret->suite), "%s", suite_for(codename, release));
	}
	if (!best)
		return err_new(ERR_ENVIRONMENT,
			       "apt's sources name no Debian archive for %s to fetch a kernel from; "
			       "give --kernel PATH",
			       codename);
	return NULL;
}

/* "linux-binary-VERSION - text" to its name and version; the rank is 2 for linux-binary, 1 for linux-image. */
static int package_parse(char *line, struct kernel_package *ret)
{
	char *name = strsep(&line, " ");
	const char *version;
	int rank = 2;

	if (str_starts(name, "linux-binary-"))
		version = name + strlen("linux-binary-");
	else if (rank--, str_starts(name, "linux-image-"))
		version = name + strlen("linux-image-");
	else
		return 0;
	if (strlen(name) >= sizeof(ret->name) || version[0] < '0' || version[0] > '9' ||
	    strchr(version, '/') || strstr(version, "-rc") || strchr(version, '~'))
		return 0;
	snprintf(ret->name, sizeof(ret->name), "%s", name);
	snprintf(ret->version, sizeof(ret->version), "%s", version);
	return rank;
}

/* `a` is the better package: newer, or the same version in the better form. */
static bool package_better(const struct kernel_package *a, int rank_a, const struct kernel_package *b,
			   int rank_b)
{
	int order = kernel_version_compare(a->version, b->version);

	return rank_b == 0 || order > 0 || (order == 0 && rank_a > rank_b);
}

/* Insert into the `count` newest versions, newest first, each once. */
static void keep_version(struct kernel_package *newest, unsigned int *count,
			 const struct kernel_package *package)
{
	unsigned int at = 0;

	while (at < *count && kernel_version_compare(newest[at].version, package->version) > 0)
		at++;
	if (at == VERSIONS_SHOWN || (at < *count && strcmp(newest[at].version, package->version) == 0))
		return;
	if (*count < VERSIONS_SHOWN)
		++*count;
	memmove(&newest[at + 1], &newest[at], (*count - 1 - at) * sizeof(newest[0]));
	newest[at] = *package;
}

static struct err *package_missing(const char *names, const char *wanted)
{
	struct kernel_package newest[VERSIONS_SHOWN], package;
	struct str versions = {0};
	char line[LINE_MAX_BYTES];
	unsigned int count = 0;
	struct err *err;

	while (next_line(&names, line))
		if (package_parse(line, &package))
			keep_version(newest, &count, &package);
	for (unsigned int i = 0; i < count; i++)
		str_addf(&versions, "%s%s", i ? ", " : "; its newest: ", newest[i].version);
	err = err_new(ERR_NOT_FOUND, "the archive has no kernel %s%s", wanted ? wanted : "at all",
		      str_text(&versions));
	str_deinit(&versions);
	return err;
}

struct err *kernel_package_choose(const char *names, const char *wanted, struct kernel_package *ret)
{
	struct kernel_package best = {0}, package;
	const char *at = names;
	char line[LINE_MAX_BYTES];
	int best_rank = 0, rank;

	while (next_line(&at, line)) {
		rank = package_parse(line, &package);
		if (!rank || (wanted && !kernel_version_matches(package.version, wanted)))
			continue;
		if (!package_better(&package, rank, &best, best_rank))
			continue;
		best = package;
		best_rank = rank;
	}
	if (!best_rank)
		return package_missing(names, wanted);
	*ret = best;
	return NULL;
}

/* The data member of the package, read by the inner archive as it needs it. */
struct member {
	struct archive *deb;
	char buffer[65536];
};

static ssize_t member_read(struct archive *inner, void *context, const void **block)
{
	struct member *m = context;
	ssize_t got = archive_read_data(m->deb, m->buffer, sizeof(m->buffer));

	*block = m->buffer;
	if (got < 0)
		archive_set_error(inner, archive_errno(m->deb), "%s", archive_error_string(m->deb));
	return got < 0 ? -1 : got;
}

static bool is_image(struct archive_entry *entry)
{
	const char *path = archive_entry_pathname(entry);

	if (!path || archive_entry_filetype(entry) != AE_IFREG)
		return false;
	if (str_starts(path, "./"))
		path += 2;
	return fnmatch("boot/vmlinuz-*", path, FNM_PATHNAME) == 0 ||
	       fnmatch("usr/lib/modules/*/vmlinuz", path, FNM_PATHNAME) == 0 ||
	       fnmatch("lib/modules/*/vmlinuz", path, FNM_PATHNAME) == 0;
}

static struct err *copy_image(struct archive *a, int fd)
{
	char buffer[65536];
	long long total = 0;
	ssize_t got;

	while ((got = archive_read_data(a, buffer, sizeof(buffer))) > 0) {
		total += got;
		if (total > IMAGE_MAX)
			return err_new(ERR_BAD_DATA, "the kernel image is larger than 256 MiB");
		ERR_TRY(write_all(fd, buffer, (size_t)got));
	}
	if (got < 0)
		return err_new(ERR_BAD_DATA, "%s", archive_error_string(a));
	return NULL;
}

static struct err *unpack_data(struct archive *tar, int fd)
{
	struct archive_entry *entry;
	int got;

	while ((got = archive_read_next_header(tar, &entry)) == ARCHIVE_OK || got == ARCHIVE_WARN)
		if (is_image(entry))
			return copy_image(tar, fd);
	if (got != ARCHIVE_EOF)
		return err_new(ERR_BAD_DATA, "%s", archive_error_string(tar));
	return err_new(ERR_BAD_DATA, "it holds no kernel image");
}

/* The archive `deb` stands at its data member. */
static struct err *unpack_member(struct archive *deb, int fd)
{
	struct member *m = malloc(sizeof(*m));
	struct archive *tar = archive_read_new();
	struct err *err;

	if (!m || !tar) {
		free(m);
		archive_read_free(tar);
		return err_nomem();
	}
	m->deb = deb;
	archive_read_support_filter_all(tar);
	archive_read_support_format_tar(tar);
	if (archive_read_open(tar, m, NULL, member_read, NULL) != ARCHIVE_OK)
		err = err_new(ERR_BAD_DATA, "%s", archive_error_string(tar));
	else
		err = unpack_data(tar, fd);
	archive_read_free(tar);
	free(m);
	return err;
}

struct err *kernel_package_unpack(const char *deb, int fd)
{
	struct archive *a = archive_read_new();
	struct archive_entry *entry;
	struct err *err = NULL;
	bool found = false;

	if (!a)
		return err_nomem();
	archive_read_support_format_ar(a);
	if (archive_read_open_filename(a, deb, 65536) != ARCHIVE_OK)
		err = err_new(ERR_BAD_DATA, "%s", archive_error_string(a));
	while (!err && !found && archive_read_next_header(a, &entry) == ARCHIVE_OK) {
		const char *name = archive_entry_pathname(entry);

		found = name && str_starts(name, "data.tar");
		if (found)
			err = unpack_member(a, fd);
	}
	if (!err && !found)
		err = err_new(ERR_BAD_DATA, "it is no Debian package");
	archive_read_free(a);
	return err_wrap(err, "%s", deb);
}
