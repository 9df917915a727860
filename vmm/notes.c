/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmm/notes.h"
#include "base/file.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define NOTE_MAX 4096

static char *note_path(const char *kind, const char *key)
{
	char hash[SHA256_TEXT], *folder = NULL, *path = NULL;
	struct err *err = cache_path("notes", &folder);

	if (!err)
		err = make_directories(folder, 0700);
	if (!err) {
		sha256_bytes(key, strlen(key), hash);
		path = str_format("%s/%s-%.32s", folder, kind, hash);
	}
	err_free(err);
	free(folder);
	return path;
}

char *note_get(const char *kind, const char *key)
{
	char *path = note_path(kind, key), *text = NULL;
	size_t len;

	if (!path)
		return NULL;
	err_free(read_whole_file(path, NOTE_MAX, &text, &len));
	free(path);
	return text;
}

void note_put(const char *kind, const char *key, const char *text)
{
	char *path = note_path(kind, key);

	if (path)
		err_free(replace_file(path, text, strlen(text)));
	free(path);
}

char *note_file_key(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return NULL;
	return str_format("%s %llu %llu %lld %lld.%09ld %lld.%09ld", path,
			  (unsigned long long)st.st_dev, (unsigned long long)st.st_ino,
			  (long long)st.st_size, (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec,
			  (long long)st.st_ctim.tv_sec, st.st_ctim.tv_nsec);
}
