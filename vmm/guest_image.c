// SPDX-License-Identifier: GPL-2.0-or-later
#include "vmm/guest_image.h"

#include "base/file.h"
#include "base/str.h"
#include "vmm/elf_needs.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_FILE (256u << 20) /* bytes */
#define SCHED_FOLDER "ktdbg/sched"
#define PROGRAM_FOLDER "ktdbg/bin" /* where a name without a path is looked for first */
#define LIBRARY_FOLDER "ktdbg/lib" /* the agent's children look there: guest/child.c */

struct guest_image {
	char *base;
	char *extra; /* "/proc/self/fd/N" of the memfd, NULL: nothing was added */
	int fd;
	char *scheduler;
	const char *initrds[2];
	unsigned int initrd_count;
};

/* The second archive while it is written. */
struct pack {
	struct archive *archive;
	char **made; /* folders and libraries so far: they are wanted more than once */
	unsigned int made_count;
};

static struct err *add_entry(struct pack *p, const char *path, unsigned int type, unsigned int mode,
			     const void *data, size_t len)
{
	struct archive_entry *entry = archive_entry_new();
	struct err *err = NULL;

	if (!entry)
		return err_nomem();
	archive_entry_set_pathname(entry, path);
	archive_entry_set_filetype(entry, type);
	archive_entry_set_perm(entry, mode);
	archive_entry_set_mtime(entry, 0, 0);
	archive_entry_set_size(entry, (la_int64_t)len);
	archive_entry_set_nlink(entry, type == AE_IFDIR ? 2 : 1);
	if (archive_write_header(p->archive, entry) != ARCHIVE_OK ||
	    (len && archive_write_data(p->archive, data, len) != (la_ssize_t)len))
		err = err_new(ERR_OS, "packing %s: %s", path, archive_error_string(p->archive));
	archive_entry_free(entry);
	return err;
}

/* Whether `path` comes up for the first time. */
static struct err *first_time(struct pack *p, const char *path, bool *ret)
{
	char **more;

	*ret = false;
	for (unsigned int i = 0; i < p->made_count; i++)
		if (strcmp(p->made[i], path) == 0)
			return NULL;
	more = reallocarray(p->made, p->made_count + 1, sizeof(*more));
	if (!more)
		return err_nomem();
	p->made = more;
	more[p->made_count] = strdup(path);
	if (!more[p->made_count])
		return err_nomem();
	p->made_count++;
	*ret = true;
	return NULL;
}

static struct err *add_folder(struct pack *p, const char *path)
{
	bool first;

	ERR_TRY(first_time(p, path, &first));
	return first ? add_entry(p, path, AE_IFDIR, 0755, NULL, 0) : NULL;
}

/* The kernel makes no parents: each folder comes before what lies in it. */
static struct err *add_parents(struct pack *p, const char *path)
{
	struct err *err = NULL;

	for (const char *slash = strchr(path, '/'); slash && !err; slash = strchr(slash + 1, '/')) {
		char *folder = str_format("%.*s", (int)(slash - path), path);

		err = folder ? add_folder(p, folder) : err_nomem();
		free(folder);
	}
	return err;
}

/* `guest` without its leading slash. */
static struct err *add_file(struct pack *p, const char *host, const char *guest)
{
	struct stat st;
	struct err *err;
	char *data;
	size_t len;

	if (stat(host, &st))
		return err_os(errno, "%s", host);
	if (!S_ISREG(st.st_mode))
		return err_new(ERR_USAGE, "%s is not a file", host);
	ERR_TRY(read_whole_file(host, MAX_FILE, &data, &len));
	err = add_parents(p, guest);
	if (!err)
		err = add_entry(p, guest, AE_IFREG, st.st_mode & 0111 ? 0755 : 0644, data, len);
	free(data);
	return err;
}

static bool leaves_root(const char *path)
{
	for (const char *p = path; p; p = strchr(p, '/')) {
		p += *p == '/';
		if (strncmp(p, "..", 2) == 0 && (p[2] == '/' || !p[2]))
			return true;
	}
	return false;
}

static struct err *add_need(struct pack *p, const struct elf_need *n)
{
	const char *name = n->soname ? strrchr(n->soname, '/') : NULL;
	char *guest = n->soname ? str_format(LIBRARY_FOLDER "/%s", name ? name + 1 : n->soname)
				: strdup(n->path + 1);
	bool first = false;
	struct err *err = guest ? first_time(p, guest, &first) : err_nomem();

	if (first)
		err = add_file(p, n->path, guest);
	free(guest);
	return err;
}

static struct err *add_needs(struct pack *p, const struct elf_needs *needs)
{
	struct err *err = NULL;

	for (unsigned int i = 0; i < needs->count && !err; i++)
		err = add_need(p, &needs->list[i]);
	return err;
}

/* With what it needs to run, when it is a program; anything else as it is. */
static struct err *add_wished_file(struct pack *p, const char *host, const char *guest)
{
	struct elf_needs needs;
	struct err *err;

	ERR_TRY(add_file(p, host, guest));
	if (access(host, X_OK))
		return NULL;
	err = elf_needs_find(host, &needs);
	if (err && err_kind(err) == ERR_BAD_DATA) { /* a script, a table, a program of another machine */
		err_free(err);
		return NULL;
	}
	if (err)
		return err;
	err = add_needs(p, &needs);
	elf_needs_deinit(&needs);
	return err;
}

/* HOST:GUEST, where the last colon divides as a host's path may hold one; or HOST alone, a program. */
static struct err *add_wish(struct pack *p, const char *wish)
{
	const char *colon = strrchr(wish, ':'), *slash = strrchr(wish, '/');
	char *host, *guest;
	struct err *err;

	if (colon ? colon == wish || colon[1] != '/' || !colon[2] || leaves_root(colon + 1)
		  : !*wish || (slash && !slash[1]))
		return err_new(ERR_USAGE,
			       "--add-file %s: HOST:GUEST, GUEST a path from / on, or HOST for " PROGRAM_FOLDER,
			       wish);
	host = str_format("%.*s", colon ? (int)(colon - wish) : (int)strlen(wish), wish);
	guest = colon ? strdup(colon + 1 + strspn(colon + 1, "/"))
		      : str_format(PROGRAM_FOLDER "/%s", slash ? slash + 1 : wish);
	err = host && guest ? err_wrap(add_wished_file(p, host, guest), "--add-file") : err_nomem();
	free(host);
	free(guest);
	return err;
}

static struct err *add_scheduler(struct pack *p, const char *path, const char *name)
{
	char *guest = str_format(SCHED_FOLDER "/%s", name);
	struct elf_needs needs;
	struct err *err = guest ? elf_needs_find(path, &needs) : err_nomem();

	if (!err) {
		err = add_file(p, path, guest);
		if (!err)
			err = add_needs(p, &needs);
		elf_needs_deinit(&needs);
	}
	free(guest);
	return err_wrap(err, "--scheduler");
}

static struct err *fill(struct pack *p, const struct guest_image_config *config, const char *scheduler)
{
	for (unsigned int i = 0; i < config->add_file_count; i++)
		ERR_TRY(add_wish(p, config->add_files[i]));
	if (config->scheduler && strchr(config->scheduler, '/'))
		ERR_TRY(add_scheduler(p, config->scheduler, scheduler));
	return NULL;
}

static struct err *write_extra(struct guest_image *image, const struct guest_image_config *config)
{
	struct pack p = {.archive = archive_write_new()};
	struct err *err = NULL;

	image->fd = memfd_create("guest-image", MFD_CLOEXEC);
	if (!p.archive || image->fd < 0)
		err = err_nomem();
	else if (archive_write_set_format_cpio_newc(p.archive) != ARCHIVE_OK ||
		 archive_write_open_fd(p.archive, image->fd) != ARCHIVE_OK)
		err = err_new(ERR_OS, "guest image: %s", archive_error_string(p.archive));
	else
		err = fill(&p, config, image->scheduler);
	if (!err && archive_write_close(p.archive) != ARCHIVE_OK)
		err = err_new(ERR_OS, "guest image: %s", archive_error_string(p.archive));
	archive_write_free(p.archive);
	for (unsigned int i = 0; i < p.made_count; i++)
		free(p.made[i]);
	free(p.made);
	return err;
}

static struct err *find_base(const struct guest_image_config *config, char **ret)
{
	char *path;

	if (config->base)
		path = strdup(config->base);
	else
		ERR_TRY(data_path("initramfs.cpio", &path));
	if (!path)
		return err_nomem();
	if (access(path, R_OK)) {
		struct err *err = err_new(ERR_ENVIRONMENT, "no guest image at %s: run make", path);

		free(path);
		return err;
	}
	*ret = path;
	return NULL;
}

static struct err *name_scheduler(struct guest_image *image, const char *scheduler)
{
	const char *slash = strrchr(scheduler, '/');

	if (!*scheduler || (slash && !slash[1]))
		return err_new(ERR_USAGE, "--scheduler \"%s\": a NAME or the PATH of a program", scheduler);
	image->scheduler = strdup(slash ? slash + 1 : scheduler);
	return image->scheduler ? NULL : err_nomem();
}

static struct err *gather(struct guest_image *image, const struct guest_image_config *config)
{
	bool program = config->scheduler && strchr(config->scheduler, '/');

	ERR_TRY(find_base(config, &image->base));
	image->initrds[image->initrd_count++] = image->base;
	if (config->scheduler)
		ERR_TRY(name_scheduler(image, config->scheduler));
	if (!program && !config->add_file_count)
		return NULL;
	ERR_TRY(write_extra(image, config));
	image->extra = str_format("/proc/self/fd/%d", image->fd);
	if (!image->extra)
		return err_nomem();
	image->initrds[image->initrd_count++] = image->extra;
	return NULL;
}

struct err *guest_image_create(const struct guest_image_config *config, struct guest_image **ret)
{
	struct guest_image *image = calloc(1, sizeof(*image));
	struct err *err;

	if (!image)
		return err_nomem();
	image->fd = -1;
	err = gather(image, config);
	if (err) {
		guest_image_destroy(image);
		return err;
	}
	*ret = image;
	return NULL;
}

void guest_image_destroy(struct guest_image *image)
{
	if (!image)
		return;
	close_fd(&image->fd);
	free(image->base);
	free(image->extra);
	free(image->scheduler);
	free(image);
}

const char *const *guest_image_initrds(const struct guest_image *image)
{
	return image->initrds;
}

unsigned int guest_image_initrd_count(const struct guest_image *image)
{
	return image->initrd_count;
}

const char *guest_image_scheduler(const struct guest_image *image)
{
	return image->scheduler;
}
