/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmm/checkpoint_file.h"
#include "base/file.h"
#include "vmm/checkpoint.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define FACTS_MAX (256 << 10)
#define SEAL "seal "

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
	str_addf(s, "ktdbg checkpoint 2\ntime %" PRIu64 "\nsaved %" PRId64 "\nvcpus %u\n", f->time,
		 f->saved, f->count);
	for (unsigned int i = 0; i < f->count; i++) {
		const uint64_t *t = f->vcpus[i].time;

		str_addf(s,
			 "%u %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64
			 "\n",
			 (unsigned int)f->vcpus[i].state, f->vcpus[i].entry_time, t[0], t[1], t[2],
			 t[3], f->stalled_until[i]);
	}
	str_add(s, str_text(&f->identity));
}

/* The number of a line's bytes that were read, 0: it is not what it should be. */
static int parse_vcpu(const char *text, struct vcpu_runstate *v, uint64_t *stalled_until)
{
	unsigned int state;
	int used = 0;

	if (sscanf(text,
		   "%u %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 "\n%n",
		   &state, &v->entry_time, &v->time[0], &v->time[1], &v->time[2], &v->time[3],
		   stalled_until, &used) != 7 ||
	    state >= RUNSTATE_COUNT)
		return 0;
	v->state = (enum runstate)state;
	return used;
}

static bool parse(const char *text, struct checkpoint_facts *f)
{
	int used = 0;

	if (sscanf(text, "ktdbg checkpoint 2\ntime %" SCNu64 "\nsaved %" SCNd64 "\nvcpus %u\n%n",
		   &f->time, &f->saved, &f->count, &used) != 3 ||
	    !used || !f->count || f->count > TOPOLOGY_CPUS_MAX || f->time > INT64_MAX)
		return false;
	text += used;
	for (unsigned int i = 0; i < f->count; i++) {
		used = parse_vcpu(text, &f->vcpus[i], &f->stalled_until[i]);
		if (!used)
			return false;
		text += used;
	}
	str_add(&f->identity, text);
	return true;
}

/* The hash of the facts, the saved machine's description, and its console. */
static struct err *seal(const char *facts, size_t len, const struct saved *s, char ret[SHA256_TEXT])
{
	char machine[SHA256_TEXT], console[SHA256_TEXT] = "none";
	struct stat st = {0};
	struct str all = {0};
	struct err *err = NULL;
	void *text;

	saved_hash(s, machine);
	if (s->console_fd >= 0 && fstat(s->console_fd, &st))
		return err_os(errno, "the checkpoint's console");
	if (st.st_size) {
		text = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, s->console_fd, 0);
		if (text == MAP_FAILED)
			return err_os(errno, "the checkpoint's console");
		sha256_bytes(text, (size_t)st.st_size, console);
		munmap(text, (size_t)st.st_size);
	}
	str_addf(&all, "%s\n%s\n", machine, console);
	str_add_n(&all, facts, len);
	err = str_error(&all);
	if (!err)
		sha256_bytes(all.data, all.len, ret);
	str_deinit(&all);
	return err;
}

/* The facts without their seal, which is checked against `s` unless that is NULL. */
static struct err *check_seal(char *text, const struct saved *s)
{
	size_t len = strlen(text), tail = strlen(SEAL) + SHA256_TEXT;
	char hash[SHA256_TEXT], *line = text + len - tail;

	if (len < tail || !str_starts(line, SEAL) || text[len - 1] != '\n')
		return err_new(ERR_BAD_DATA, "its description is damaged");
	text[len - 1] = *line = '\0';
	if (!s)
		return NULL;
	ERR_TRY(seal(text, len - tail, s, hash));
	return strcmp(hash, line + strlen(SEAL))
		       ? err_new(ERR_BAD_DATA, "its description or its console is damaged")
		       : NULL;
}

/* `s` NULL: what is only to be listed. */
static struct err *read_facts(int folder, const struct saved *s, struct checkpoint_facts *facts)
{
	char *text = malloc(FACTS_MAX);
	struct err *err;

	if (!text)
		return err_nomem();
	err = store_read_text(folder, "checkpoint", text, FACTS_MAX);
	if (!err)
		err = check_seal(text, s);
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
		err = read_facts(folder, s, facts);
	close(folder);
	return err;
}

/* What is of no use is shown too, with the reason. */
static void describe(int folder, struct checkpoint_entry *e)
{
	struct checkpoint_facts facts = {0};
	char summary[sizeof(e->summary)] = "";
	struct str clean = {0};
	struct err *err = read_facts(folder, NULL, &facts);

	if (!err)
		err = store_read_text(folder, "summary", summary, sizeof(summary));
	str_add_clean(&clean, err ? err_detail(err) : summary, sizeof(e->summary));
	snprintf(e->summary, sizeof(e->summary), "%s", str_text(&clean));
	e->bytes = store_folder_bytes(folder);
	if (!err) {
		e->saved = facts.saved / 1000000000;
		e->time = facts.time;
	}
	str_deinit(&clean);
	checkpoint_facts_deinit(&facts);
	err_free(err);
}

static bool describe_entry(const char *name, struct checkpoint_entry *e)
{
	struct err *err = checkpoint_check_name(name);
	int folder;

	*e = (struct checkpoint_entry){0};
	if (!err)
		err = open_folder(name, &folder);
	if (err) {
		err_free(err);
		return false;
	}
	snprintf(e->name, sizeof(e->name), "%s", name);
	describe(folder, e);
	close(folder);
	return true;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct checkpoint_entry *)a)->name,
		      ((const struct checkpoint_entry *)b)->name);
}

static struct err *scan(const char *path, DIR *dir, struct checkpoint_entry **ret,
			unsigned int *ret_count)
{
	struct checkpoint_entry *list = NULL, *grown;
	struct dirent *entry;
	unsigned int count = 0;

	while ((entry = readdir(dir))) {
		if (store_is_draft(path, dirfd(dir), entry->d_name))
			continue;
		grown = realloc(list, (count + 1) * sizeof(*list));
		if (!grown) {
			free(list);
			return err_nomem();
		}
		list = grown;
		count += describe_entry(entry->d_name, &list[count]);
	}
	if (count)
		qsort(list, count, sizeof(*list), by_name);
	*ret = list;
	*ret_count = count;
	return NULL;
}

struct err *checkpoint_list(struct checkpoint_entry **ret, unsigned int *ret_count)
{
	struct err *err;
	char *path;
	DIR *dir;

	ERR_TRY(path_of("", &path));
	dir = opendir(path);
	err = dir ? scan(path, dir, ret, ret_count) : err_os(errno, "cannot read %s", path);
	if (dir)
		closedir(dir);
	free(path);
	return err;
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

struct err *checkpoint_begin(struct store_draft *d)
{
	char *template;

	ERR_TRY(path_of(".draft-XXXXXX", &template));
	return store_begin_at(template, d);
}

static struct err *write_facts(int folder, const struct saved *s,
			       const struct checkpoint_facts *facts)
{
	char hash[SHA256_TEXT];
	struct str text = {0};
	struct err *err;

	format(facts, &text);
	err = str_error(&text);
	if (!err)
		err = seal(text.data, text.len, s, hash);
	if (!err) {
		str_addf(&text, SEAL "%s\n", hash);
		err = str_error(&text);
	}
	if (!err)
		err = store_write_file(folder, "checkpoint", text.data, text.len);
	str_deinit(&text);
	return err;
}

/* All of the file system's: the folder's files are the bulk of what is unwritten there. */
static struct err *sync_folder(int folder)
{
	return syncfs(folder) ? err_os(errno, "writing the checkpoint to the disk") : NULL;
}

static struct err *put_in_place(struct store_draft *d, const char *name)
{
	struct err *err = NULL;
	char *path;

	ERR_TRY(path_of(name, &path));
	if (!rename(d->path, path)) {
		free(d->path);
		d->path = NULL;
	} else if (renameat2(AT_FDCWD, d->path, AT_FDCWD, path, RENAME_EXCHANGE)) {
		err = err_os(errno, "naming %s", path);
	} /* else the draft is now the old one, which goes */
	free(path);
	return err;
}

struct err *checkpoint_publish(struct store_draft *d, const char *name, const struct saved *s,
			       const struct checkpoint_facts *facts, const char *summary)
{
	ERR_TRY(store_write_folder(d->folder, s, summary));
	ERR_TRY(write_facts(d->folder, s, facts));
	ERR_TRY(sync_folder(d->folder));
	ERR_TRY(put_in_place(d, name));
	return sync_folder(d->folder);
}
