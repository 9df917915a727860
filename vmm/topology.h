/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's CPUs as QEMU is told about them. An LLC is a socket: that is the one level at which
 * every QEMU from 7.2 on shares the L3 cache and every kernel believes it. NUMA nodes are rows of
 * whole sockets, each with its own piece of memory. Pure functions; parsing is in vmm/machine.h.
 */
#ifndef VMM_TOPOLOGY_H
#define VMM_TOPOLOGY_H

#include "vmm/machine.h"

#define TOPOLOGY_CPUS_MAX 256
#define TOPOLOGY_NODES_MAX 8 /* RAM_PIECES_MAX */

/* First LLC of `node`; that of node `nodes` is the number of LLCs. */
unsigned int topology_node_llc(const struct topology *t, unsigned int node);
/* First CPU of `node`. CPU numbers run through threads, cores, LLCs, nodes in this order. */
unsigned int topology_node_cpu(const struct topology *t, unsigned int node);

#endif
