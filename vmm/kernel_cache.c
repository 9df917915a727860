/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmm/kernel_cache.h"

#include "base/file.h"
#include "base/str.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#define CONFIG_MAX (4 << 20)
#define NOTE_MAX 4096

/* A run of digits compares as a number; "-rc" comes before the end, everything else after it. */
static int rank(const char *p)
{
	if (str_starts(p, "-rc") || *p == '~')
		return -1;
	return *p ? (unsigned char)*p : 0;
}

int kernel_version_compare(const char *a, const char *b)
{
	while (*a || *b) {
		if (isdigit((unsigned char)*a) && isdigit((unsigned char)*b)) {
			char *end_a, *end_b;
			unsigned long long x = strtoull(a, &end_a, 10), y = strtoull(b, &end_b, 10);

			if (x != y)
				return x < y ? -1 : 1;
			a = end_a;
			b = end_b;
			continue;
		}
		if (rank(a) != rank(b))
			return rank(a) < rank(b) ? -1 : 1;
		a++;
		b++;
	}
	return 0;
}

bool kernel_version_matches(const char *version, const char *prefix)
{
	size_t len = strlen(prefix);

	if (len == 0 || strncmp(version, prefix, len) != 0)
		return false;
	return version[len] == '\0' || strchr(".+-", version[len]) != NULL;
}

static void entry_deinit(struct kernel_entry *e)
{
	free(e->path);
	*e = (struct kernel_entry){0};
}

void kernel_list_deinit(struct kernel_list *list)
{
	for (unsigned int i = 0; i < list->count; i++)
		entry_deinit(&list->entries[i]);
	free(list->entries);
	*list = (struct kernel_list){0};
}

static struct err *list_add(struct kernel_list *list, struct kernel_entry *entry)
{
	struct kernel_entry *entries =
		realloc(list->entries, (list->count + 1) * sizeof(*list->entries));

	if (!entries)
		return err_nomem();
	list->entries = entries;
	list->entries[list->count++] = *entry;
	return NULL;
}

/* FOLDER/NAME/vmlinuz when that is a boot image; what is none is silently not part of the cache. */
static struct err *list_offer(struct kernel_list *list, const char *folder, const char *name)
{
	struct kernel_entry entry = {.path = str_format("%s/%s/vmlinuz", folder, name)};
	struct stat st;
	struct err *err;

	if (!entry.path)
		return err_nomem();
	if (stat(entry.path, &st) || !S_ISREG(st.st_mode)) {
		entry_deinit(&entry);
		return NULL;
	}
	entry.image.size = (uint64_t)st.st_size;
	err = kernel_image_version(entry.path, entry.image.version);
	if (err) {
		err_free(err);
		entry_deinit(&entry);
		return NULL;
	}
	err = list_add(list, &entry);
	if (err)
		entry_deinit(&entry);
	return err;
}

static int newest_first(const void *a, const void *b)
{
	const struct kernel_entry *x = a, *y = b;

	return kernel_version_compare(y->image.version, x->image.version);
}

/* Versions and sizes only: cheap enough for every start. */
static struct err *scan(struct kernel_list *ret)
{
	struct kernel_list list = {0};
	struct dirent *entry;
	struct err *err;
	char *folder;
	DIR *dir;

	ERR_TRY(cache_path("kernels", &folder));
	dir = opendir(folder);
	err = !dir && errno != ENOENT ? err_os(errno, "cannot read %s", folder) : NULL;
	while (dir && !err && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			err = list_offer(&list, folder, entry->d_name);
	if (dir)
		closedir(dir);
	free(folder);
	if (err) {
		kernel_list_deinit(&list);
		return err;
	}
	if (list.count)
		qsort(list.entries, list.count, sizeof(*list.entries), newest_first);
	*ret = list;
	return NULL;
}

/* The note beside an image: what unpacking it once has shown. */
#define NOTE_FORMAT "ktdbg kernel 1\nsize %" PRIu64 "\nmtime %" PRId64 "\nsched_ext %s\nbtf %s\n"

static char *note_text(const struct stat *st, const struct kernel_image *image)
{
	return str_format(NOTE_FORMAT, (uint64_t)st->st_size, (int64_t)st->st_mtime,
			  kernel_feature_name(image->sched_ext), kernel_feature_name(image->btf));
}

/* Fill in the features when the note is about this very file: it must be what we would write. */
static bool note_read(const char *path, const struct stat *st, struct kernel_image *image)
{
	char *text = NULL;
	struct err *err = read_whole_file(path, NOTE_MAX, &text, NULL);
	bool found = false;

	err_free(err);
	for (int i = 0; !err && !found && i < 9; i++) {
		char *expected;

		image->sched_ext = (enum kernel_feature)(i / 3);
		image->btf = (enum kernel_feature)(i % 3);
		expected = note_text(st, image);
		found = expected && strcmp(expected, text) == 0;
		free(expected);
	}
	if (!err)
		free(text);
	return found;
}

/* Not being able to keep the note costs time at the next look, nothing else. */
static void note_write(const char *path, const struct stat *st, const struct kernel_image *image)
{
	char *text = note_text(st, image);

	if (text)
		err_free(replace_file(path, text, strlen(text)));
	free(text);
}

static struct err *entry_features(struct kernel_entry *entry)
{
	char *note = str_format("%s.note", entry->path);
	struct err *err = NULL;
	struct stat st;

	if (!note)
		return err_nomem();
	if (stat(entry->path, &st))
		err = err_os(errno, "cannot read %s", entry->path);
	else if (!note_read(note, &st, &entry->image)) {
		err = kernel_image_read(entry->path, &entry->image);
		if (!err)
			note_write(note, &st, &entry->image);
	}
	free(note);
	return err;
}

struct err *kernel_cache_list(struct kernel_list *ret)
{
	struct kernel_list list;
	struct err *err = NULL;

	ERR_TRY(scan(&list));
	for (unsigned int i = 0; !err && i < list.count; i++)
		err = entry_features(&list.entries[i]);
	if (err) {
		kernel_list_deinit(&list);
		return err;
	}
	if (list.count)
		list.entries[0].is_default = true;
	*ret = list;
	return NULL;
}

/* The configuration that lies beside a kernel says that it has sched_ext. */
static bool config_has_sched_ext(const char *path)
{
	char *text;
	struct err *err = read_whole_file(path, CONFIG_MAX, &text, NULL);
	bool found;

	if (err) {
		err_free(err);
		return false;
	}
	found = strstr(text, "\nCONFIG_SCHED_CLASS_EXT=y\n") != NULL;
	free(text);
	return found;
}

/* The image when it can be read and the configuration beside it has sched_ext. Takes both. */
static char *image_with_sched_ext(char *image, char *config)
{
	bool good = image && config && access(image, R_OK) == 0 && config_has_sched_ext(config);

	free(config);
	if (good)
		return image;
	free(image);
	return NULL;
}

/* This host's own kernel, where Debian and where Fedora and Arch keep it; NULL: none of use. */
static char *host_kernel(void)
{
	struct utsname host;
	char *path;

	if (uname(&host))
		return NULL;
	path = image_with_sched_ext(str_format("/boot/vmlinuz-%s", host.release),
				    str_format("/boot/config-%s", host.release));
	if (path)
		return path;
	return image_with_sched_ext(str_format("/usr/lib/modules/%s/vmlinuz", host.release),
				    str_format("/usr/lib/modules/%s/config", host.release));
}

static void add_versions(struct str *s, const struct kernel_list *list)
{
	for (unsigned int i = 0; i < list->count; i++)
		str_addf(s, "%s%s", i ? ", " : "; cached: ", list->entries[i].image.version);
}

static struct err *no_kernel(const char *wanted, const struct kernel_list *list)
{
	struct str cached = {0};
	struct err *err;

	add_versions(&cached, list);
	if (wanted)
		err = err_new(ERR_ENVIRONMENT,
			      "no kernel %s in the cache%s (`ktdbg kernel fetch %s` gets it where "
			      "the archive has it)",
			      wanted, str_text(&cached), wanted);
	else
		err = err_new(ERR_ENVIRONMENT,
			      "no kernel: the cache is empty and this host's own has no sched_ext or "
			      "cannot be read; run `ktdbg kernel fetch`, or give --kernel PATH");
	str_deinit(&cached);
	return err;
}

/* `wanted` as a file. */
static struct err *resolve_path(const char *wanted, char **ret)
{
	char *path;

	if (access(wanted, R_OK))
		return err_new(ERR_ENVIRONMENT, "kernel %s: %s", wanted, strerror(errno));
	path = strdup(wanted);
	if (!path)
		return err_nomem();
	*ret = path;
	return NULL;
}

/* The newest cached version that matches, NULL: the newest; NULL when there is none. */
static char *resolve_version(const struct kernel_list *list, const char *wanted)
{
	for (unsigned int i = 0; i < list->count; i++)
		if (!wanted || kernel_version_matches(list->entries[i].image.version, wanted))
			return strdup(list->entries[i].path);
	return NULL;
}

struct err *kernel_cache_resolve(const char *wanted, char **ret_path)
{
	struct kernel_list list;
	struct err *err = NULL;
	struct stat st;
	char *path;

	if (wanted && (strchr(wanted, '/') || (stat(wanted, &st) == 0 && S_ISREG(st.st_mode))))
		return resolve_path(wanted, ret_path);
	ERR_TRY(scan(&list));
	path = resolve_version(&list, wanted);
	if (!path && !wanted)
		path = host_kernel();
	if (path)
		*ret_path = path;
	else
		err = no_kernel(wanted, &list);
	kernel_list_deinit(&list);
	return err;
}
