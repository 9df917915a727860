/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the bpf*.c files share. Not for others: coord/bpf.h is the interface.
 */
#ifndef COORD_BPF_PRIVATE_H
#define COORD_BPF_PRIVATE_H

#include "coord/bpf.h"
#include "coord/object.h"

struct bpf_map_fields {
	/* struct bpf_map */
	struct field kind, id, name, key_size, value_size, max_entries, flags;
	struct field btf, key_type, value_type, kernel_value_type, elem_count;
	/* struct bpf_array, struct bpf_htab */
	struct field array_elem_size, hash_elem_size, hash_buckets, hash_locks;
};

bool bpf_kind_is_hash(uint32_t kind);
bool bpf_kind_is_percpu(uint32_t kind);

#endif
