/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checks raw BTF before libbpf sees it, since it comes from guest memory: sections inside the data,
 * strings that end, records that fit, names and type numbers in range, and no chain of typedefs,
 * qualifiers and arrays that is endless. libbpf 1.1 takes most of this on trust.
 *
 * Nothing else may be assumed of checked BTF: sizes, offsets and member types can still be absurd.
 */
#ifndef COORD_BTF_CHECK_H
#define COORD_BTF_CHECK_H

#include "base/err.h"

#include <stddef.h>

/* ERR_BAD_DATA says what is wrong, with the type's number. */
struct err *btf_check(const void *data, size_t len) __attribute__((warn_unused_result));

#endif
