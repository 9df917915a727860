/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Small facts that are slow to find and safe to forget: a QEMU's version, a file's hash, whether KVM
 * works. Each is one file below the cache folder, named by a hash of what it depends on. Losing or not
 * being able to write one costs time only, so nothing here fails.
 */
#ifndef VMM_NOTES_H
#define VMM_NOTES_H

/* The note for (`kind`, `key`), caller frees; NULL when there is none. */
char *note_get(const char *kind, const char *key);
void note_put(const char *kind, const char *key, const char *text);

/* A key that changes whenever the file's contents do: path, device, inode, size, times. Caller frees;
 * NULL when it cannot be looked at. */
char *note_file_key(const char *path);

#endif
