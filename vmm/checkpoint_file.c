/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmm/checkpoint_file.h"
#include "base/file.h"
#include "vmm/checkpoint.h"
#include "vmm/store.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define FACTS_MAX (256 << 10)

int64_t wall_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

void checkpoint_facts_deinit(struct checkpoint_facts *f)
{
	str_deinit(&f->identity);
}

struct err *checkpoint_check_name(const char *name)
{
	size_t len = strlen(name);

	if (!len || len >= CHECKPOINT_NAME || !isalnum((unsigned char)name[0]) ||
	    strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") !=
		    len)
		return err_new(ERR_USAGE,
			       "%s: a name is up to %d letters, digits and -_. that begin with a "
			       "letter or "
			       "digit",
			       name, CHECKPOINT_NAME - 1);
	return NULL;
}

/* The folder of all, made when missing, or what `below` names in it. */
static struct err *path_of(const char *below, char **ret)
{
	char *all = NULL;
	struct err *err = state_path("checkpoints", &all);

	if (!err)
		err = make_directories(all, 0700);
	if (!err) {
		*ret = str_format("%s/%s", all, below);
		if (!*ret)
			err = err_nomem();
	}
	free(all);
	return err;
}

/* ---- facts as text ---- */

static void format(const struct checkpoint_facts *f, struct str *s)
{
	str_addf(s, "ktdbg checkpoint 1\ntime %" PRIu64 "\nsaved %" PRId64 "\nvcpus %u\n", f->time,
		 f->saved, f->count);
	for (unsigned int i = 0; i < f->count; i++) {
		const uint64_t *t = f->vcpus[i].time;

		str_addf(s, "%u %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
			 (unsigned int)f->vcpus[i].state, f->vcpus[i].entry_time, t[0], t[1], t[2],
			 t[3]);
	}
	str_add(s, str_text(&f->identity));
}

/* The number of a line's bytes that were read, 0: it is not what it should be. */
static int parse_vcpu(const char *text, struct vcpu_runstate *v)
{
	unsigned int state;
	int used = 0;

	if (sscanf(text, "%u %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 "\n%n",
		   &state, &v->entry_time, &v->time[0], &v->time[1], &v->time[2], &v->time[3],
		   &used) != 6 ||
	    state >= RUNSTATE_COUNT)
		return 0;
	v->state = (enum runstate)state;
	return used;
}

static bool parse(const char *text, struct checkpoint_facts *f)
{
	int used = 0;

	if (sscanf(text, "ktdbg checkpoint 1\ntime %" SCNu64 "\nsaved %" SCNd64 "\nvcpus %u\n%n",
		   &f->time, &f->saved, &f->count, &used) != 3 ||
	    !used || !f->count || f->count > TOPOLOGY_CPUS_MAX || f->time > INT64_MAX)
		return false;
	text += used;
	for (unsigned int i = 0; i < f->count; i++) {
		used = parse_vcpu(text, &f->vcpus[i]);
		if (!used)
			return false;
		text += used;
	}
	str_add(&f->identity, text);
	return true;
}

static struct err *read_facts(int folder, struct checkpoint_facts *facts)
{
	char *text = malloc(FACTS_MAX);
	struct err *err;

	if (!text)
		return err_nomem();
	err = store_read_text(folder, "checkpoint", text, FACTS_MAX);
	if (!err && !parse(text, facts))
		err = err_new(ERR_BAD_DATA, "its description is damaged");
	free(text);
	return err ? err : str_error(&facts->identity);
}

/* ---- reading ---- */

static struct err *open_folder(const char *name, int *ret)
{
	char *path;

	ERR_TRY(path_of(name, &path));
	*ret = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	free(path);
	return *ret < 0 ? err_new(ERR_NOT_FOUND, "there is no such checkpoint") : NULL;
}

struct err *checkpoint_open(const char *name, struct saved *s, struct checkpoint_facts *facts)
{
	struct err *err;
	int folder;

	ERR_TRY(open_folder(name, &folder));
	err = store_read_folder(folder, s);
	if (!err)
		err = read_facts(folder, facts);
	close(folder);
	return err;
}

static bool describe(const char *name, struct checkpoint_entry *e)
{
	struct checkpoint_facts facts = {0};
	struct str clean = {0};
	char summary[sizeof(e->summary)] = "";
	struct err *err;
	int folder = -1;

	*e = (struct checkpoint_entry){0};
	err = checkpoint_check_name(name);
	if (!err)
		err = open_folder(name, &folder);
	if (!err)
		err = read_facts(folder, &facts);
	if (!err) {
		snprintf(e->name, sizeof(e->name), "%s", name);
		e->bytes = store_folder_bytes(folder);
		e->saved = facts.saved / 1000000000;
		e->time = facts.time;
		err_free(store_read_text(folder, "summary", summary, sizeof(summary)));
		str_add_clean(&clean, summary, strlen(summary));
		snprintf(e->summary, sizeof(e->summary), "%s", str_text(&clean));
	}
	close_fd(&folder);
	str_deinit(&clean);
	checkpoint_facts_deinit(&facts);
	err_free(err);
	return e->name[0];
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct checkpoint_entry *)a)->name,
		      ((const struct checkpoint_entry *)b)->name);
}

struct err *checkpoint_list(struct checkpoint_entry **ret, unsigned int *ret_count)
{
	struct checkpoint_entry *list = NULL, *grown;
	struct dirent *entry;
	unsigned int count = 0;
	char *path;
	DIR *dir;

	ERR_TRY(path_of("", &path));
	dir = opendir(path);
	free(path);
	while (dir && (entry = readdir(dir))) {
		grown = realloc(list, (count + 1) * sizeof(*list));
		if (!grown) {
			free(list);
			closedir(dir);
			return err_nomem();
		}
		list = grown;
		count += describe(entry->d_name, &list[count]);
	}
	if (dir)
		closedir(dir);
	if (count)
		qsort(list, count, sizeof(*list), by_name);
	*ret = list;
	*ret_count = count;
	return NULL;
}

struct err *checkpoint_delete(const char *name)
{
	char *path;
	int folder;

	ERR_TRY(checkpoint_check_name(name));
	ERR_TRY(err_wrap(open_folder(name, &folder), "checkpoint %s", name));
	close(folder);
	ERR_TRY(path_of(name, &path));
	store_remove_folder(path);
	free(path);
	return NULL;
}

/* ---- writing ---- */

struct err *checkpoint_draft_begin(const char *name, struct checkpoint_draft *d)
{
	*d = (struct checkpoint_draft){.folder = -1, .ram_fd = -1};
	ERR_TRY(path_of(".draft-XXXXXX", &d->path));
	if (mkdtemp(d->path))
		d->folder = open(d->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d->folder >= 0)
		d->ram_fd = openat(d->folder, "ram", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (d->ram_fd < 0) {
		struct err *err = err_os(errno, "cannot make %s", d->path);

		checkpoint_draft_end(d);
		return err;
	}
	return NULL;
}

struct err *checkpoint_draft_fill(struct checkpoint_draft *d, const struct saved *s,
				  const struct checkpoint_facts *facts, const char *summary)
{
	struct str text = {0};
	struct err *err;

	format(facts, &text);
	err = str_error(&text);
	if (!err)
		err = store_write_folder(d->folder, s, summary);
	if (!err)
		err = store_write_file(d->folder, "checkpoint", text.data, text.len);
	str_deinit(&text);
	return err;
}

/* All of the file system's: the folder's files are the bulk of what is unwritten there. */
static struct err *sync_folder(int folder)
{
	return syncfs(folder) ? err_os(errno, "writing the checkpoint to the disk") : NULL;
}

struct err *checkpoint_draft_publish(struct checkpoint_draft *d, const char *name)
{
	struct err *err;
	char *path;

	ERR_TRY(sync_folder(d->folder));
	ERR_TRY(path_of(name, &path));
	if (!rename(d->path, path)) {
		free(d->path);
		d->path = NULL;
	} else if (renameat2(AT_FDCWD, d->path, AT_FDCWD, path, RENAME_EXCHANGE)) {
		err = err_os(errno, "naming %s", path);
		free(path);
		return err;
	} /* else the draft is now the old one, which goes */
	free(path);
	return sync_folder(d->folder);
}

void checkpoint_draft_end(struct checkpoint_draft *d)
{
	close_fd(&d->ram_fd);
	close_fd(&d->folder);
	if (d->path)
		store_remove_folder(d->path);
	free(d->path);
	d->path = NULL;
}
