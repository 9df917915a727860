/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Types of kernel variables by name. The kernel's BTF describes per-CPU variables only; the few
 * other variables that people read are declared here, in the words of the kernel's own source. A
 * declaration whose type this kernel lacks counts as absent.
 */
#ifndef COORD_GLOBALS_H
#define COORD_GLOBALS_H

#include "base/err.h"
#include "coord/types.h"

#include <stdint.h>

/* BTF id of the type of variable `name`, per-CPU or not. ERR_ABSENT: neither BTF nor this table has
 * it. */
struct err *global_type(const struct types *types, const char *name, uint32_t *ret)
	__attribute__((warn_unused_result));

/* The declared names in turn, for completion; NULL past the end. */
const char *global_name_at(unsigned int i);

#endif
