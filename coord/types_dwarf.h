/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Types of a vmlinux's DWARF that the kernel's BTF lacks, made into records beside it, so that all
 * that works on types works on them. What both know by the same name is BTF's: of the kernel that
 * runs. Not responsible for finding anything in a file: coord/source.h.
 */
#ifndef COORD_TYPES_DWARF_H
#define COORD_TYPES_DWARF_H

#include "base/err.h"
#include "coord/types.h"

#include <elfutils/libdw.h>

/* The id of the type that `die` describes. Structs that pointers lead to come along, nested no
 * deeper than a dozen; further ones stay declarations. ERR_REFUSED: more than a kernel's type can
 * have; ERR_ABSENT: a kind of type that C has not. */
struct err *types_import(const struct types *t, Dwarf_Die *die, uint32_t *ret)
	__attribute__((warn_unused_result));

#endif
