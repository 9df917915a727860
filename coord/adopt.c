/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Adoption: from bare RAM to a struct kernel. vmcoreinfo gives the page tables, which prove that it
 * is the living kernel's; then kallsyms, then BTF, then the few variables that all access needs.
 */
#include "base/file.h"
#include "base/log.h"
#include "coord/kernel_private.h"

#include <stdlib.h>
#include <string.h>

#define NAMES_MAX (32u << 20)
#define BTF_MAX (256u << 20)

/* struct new_utsname: texts of 65 bytes, release is the third. */
#define UTSNAME_RELEASE (2 * 65)

/* Copy a guest table; the caller frees. */
static struct err *copy_table(struct kernel *k, const char *what, uint64_t va, size_t len,
			      void *ret)
{
	void *buffer = malloc(len ? len : 1);
	struct err *err;

	if (!buffer)
		return err_nomem();
	err = kernel_read(k, va, buffer, len);
	if (err) {
		free(buffer);
		return err_wrap(err, "reading %s", what);
	}
	*(void **)ret = buffer;
	return NULL;
}

/* The living kernel's vmcoreinfo? Its page tables must lead to a kernel of the same release. */
static bool verify(struct kernel *k, const struct vmcoreinfo *info)
{
	uint64_t root, uts, name = 0;
	int64_t phys_base, five_levels = 0;
	char release[sizeof(k->release)];

	if (!vmcoreinfo_string(info, "OSRELEASE", k->release, sizeof(k->release)) ||
	    !k->release[0] || !vmcoreinfo_symbol(info, "swapper_pg_dir", &root) ||
	    !vmcoreinfo_symbol(info, "init_uts_ns", &uts) ||
	    !vmcoreinfo_number(info, "phys_base", &phys_base))
		return false;
	vmcoreinfo_number(info, "pgtable_l5_enabled", &five_levels);
	vmcoreinfo_offset(info, "uts_namespace.name", &name);
	pagetable_init(&k->pagetable, k->ram, root - START_KERNEL_MAP + (uint64_t)phys_base,
		       five_levels ? 5 : 4);
	k->info.phys_base = (uint64_t)phys_base;
	k->info.five_levels = five_levels != 0;
	return kernel_copy(k, uts + name + UTSNAME_RELEASE, release, sizeof(release)) &&
	       strncmp(release, k->release, sizeof(release)) == 0;
}

struct search {
	struct kernel *kernel;
	unsigned int candidates;
	bool found;
};

static bool consider(void *context, const struct vmcoreinfo *info)
{
	struct search *search = context;

	search->candidates++;
	search->found = verify(search->kernel, info);
	if (search->found)
		*search->kernel->vmcoreinfo = *info;
	else
		log_debug("vmcoreinfo at 0x%llx is not a living kernel's",
			  (unsigned long long)info->phys);
	return !search->found;
}

static struct err *find_vmcoreinfo(struct kernel *k, uint64_t hint)
{
	struct search search = {.kernel = k};

	k->vmcoreinfo = malloc(sizeof(*k->vmcoreinfo));
	if (!k->vmcoreinfo)
		return err_nomem();
	if (hint && vmcoreinfo_read(k->ram, hint, k->vmcoreinfo) && verify(k, k->vmcoreinfo))
		return NULL;
	ERR_TRY(vmcoreinfo_each(k->ram, consider, &search));
	if (search.found)
		return NULL;
	if (search.candidates)
		return err_new(ERR_NOT_FOUND,
			       "no Linux kernel in guest memory: vmcoreinfo was found %u "
			       "times, but its page tables lead nowhere",
			       search.candidates);
	return err_new(ERR_NOT_FOUND,
		       "no Linux kernel in guest memory (yet): no vmcoreinfo, which needs "
		       "CONFIG_VMCORE_INFO and a kernel past its early boot");
}

static void fill_info(struct kernel *k)
{
	const struct vmcoreinfo *v = k->vmcoreinfo;
	char offset[32];

	if (!vmcoreinfo_string(v, "BUILD-ID", k->build_id, sizeof(k->build_id)))
		k->build_id[0] = '\0';
	if (vmcoreinfo_string(v, "KERNELOFFSET", offset, sizeof(offset)))
		k->info.kaslr_offset = strtoull(offset, NULL, 16);
	k->info.vmcoreinfo = v->phys;
	k->info.release = k->release;
	k->info.build_id = k->build_id;
}

/* Where the kernel's tables lie. */
struct places {
	uint64_t count, names, tokens, index, offsets, relative_base, anchor;
};

static struct err *find_places(struct kernel *k, struct places *p, bool *ret_relative)
{
	const struct vmcoreinfo *v = k->vmcoreinfo;

	if (!vmcoreinfo_symbol(v, "kallsyms_names", &p->names) ||
	    !vmcoreinfo_symbol(v, "kallsyms_num_syms", &p->count) ||
	    !vmcoreinfo_symbol(v, "kallsyms_token_table", &p->tokens) ||
	    !vmcoreinfo_symbol(v, "kallsyms_token_index", &p->index) ||
	    !vmcoreinfo_symbol(v, "kallsyms_offsets", &p->offsets) ||
	    !vmcoreinfo_symbol(v, "_stext", &p->anchor))
		return err_new(ERR_ABSENT,
			       "kernel %s does not say where its symbols are: needs "
			       "CONFIG_KALLSYMS and Linux 6.0 or newer",
			       k->release);
	*ret_relative = vmcoreinfo_symbol(v, "kallsyms_relative_base", &p->relative_base);
	return NULL;
}

/* Bytes from table `start` to the nearest other table above it, at most `max`. */
static size_t table_space(const struct places *p, uint64_t start, size_t max)
{
	const uint64_t ends[] = {p->count, p->names, p->tokens, p->index, p->offsets};
	size_t space = max;

	for (unsigned int i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		if (ends[i] > start && ends[i] - start < space)
			space = ends[i] - start;
	return space;
}

struct copies {
	void *names, *tokens, *index, *offsets;
};

static struct err *copy_kallsyms(struct kernel *k, struct kallsyms_tables *t, struct copies *c)
{
	struct places p;

	ERR_TRY(find_places(k, &p, &t->has_relative_base));
	ERR_TRY(kernel_read_u32(k, p.count, &t->count));
	if (t->count == 0 || t->count > KALLSYMS_MAX)
		return err_new(ERR_BAD_DATA, "kallsyms: %u symbols", t->count);
	if (t->has_relative_base)
		ERR_TRY(kernel_read_u64(k, p.relative_base, &t->relative_base));
	t->names_len = table_space(&p, p.names, NAMES_MAX);
	t->tokens_len = table_space(&p, p.tokens, GUEST_PAGE_SIZE);
	ERR_TRY(copy_table(k, "kallsyms_names", p.names, t->names_len, &c->names));
	ERR_TRY(copy_table(k, "kallsyms_token_table", p.tokens, t->tokens_len, &c->tokens));
	ERR_TRY(copy_table(k, "kallsyms_token_index", p.index, 256 * sizeof(uint16_t), &c->index));
	ERR_TRY(copy_table(k, "kallsyms_offsets", p.offsets, t->count * sizeof(int32_t),
			   &c->offsets));
	t->names = c->names;
	t->tokens = c->tokens;
	t->token_index = c->index;
	t->offsets = c->offsets;
	t->offsets_address = p.offsets;
	t->anchor = "_stext";
	t->anchor_address = p.anchor;
	return NULL;
}

static struct err *adopt_kallsyms(struct kernel *k)
{
	struct kallsyms_tables tables = {0};
	struct copies copies = {0};
	struct err *err = copy_kallsyms(k, &tables, &copies);

	if (!err)
		err = kallsyms_create(&tables, &k->symbols);
	free(copies.names);
	free(copies.tokens);
	free(copies.index);
	free(copies.offsets);
	return err;
}

/* The address of a symbol that adoption cannot do without; `needs` is what a kernel lacks without
 * it. */
static struct err *need(struct kernel *k, const char *name, const char *needs, uint64_t *ret)
{
	unsigned int i;

	if (!kallsyms_find(k->symbols, name, &i))
		return err_new(ERR_ABSENT, "kernel %s has no %s: needs %s", k->release, name,
			       needs);
	*ret = kallsyms_address(k->symbols, i);
	return NULL;
}

static struct err *adopt_types(struct kernel *k)
{
	uint64_t start, stop, unused;
	void *btf = NULL;
	struct err *err;

	ERR_TRY(need(k, "init_task", "CONFIG_KALLSYMS_ALL", &unused));
	ERR_TRY(need(k, "__start_BTF", "CONFIG_DEBUG_INFO_BTF", &start));
	ERR_TRY(need(k, "__stop_BTF", "CONFIG_DEBUG_INFO_BTF", &stop));
	if (stop <= start || stop - start > BTF_MAX)
		return err_new(ERR_BAD_DATA, "BTF from 0x%llx to 0x%llx", (unsigned long long)start,
			       (unsigned long long)stop);
	ERR_TRY(copy_table(k, "BTF", start, stop - start, &btf));
	err = types_create(btf, stop - start, &k->types);
	free(btf);
	return err_wrap(err, "kernel %s", k->release);
}

static struct err *adopt_percpu(struct kernel *k)
{
	uint64_t cpus_at, offsets_at;
	uint32_t cpus;
	unsigned int i;

	ERR_TRY(need(k, "nr_cpu_ids", "CONFIG_SMP", &cpus_at));
	ERR_TRY(need(k, "__per_cpu_offset", "CONFIG_SMP", &offsets_at));
	ERR_TRY(kernel_read_u32(k, cpus_at, &cpus));
	if (cpus == 0 || cpus > CPUS_MAX)
		return err_new(ERR_BAD_DATA, "nr_cpu_ids is %u", cpus);
	ERR_TRY(copy_table(k, "__per_cpu_offset", offsets_at, cpus * sizeof(uint64_t),
			   &k->percpu_offsets));
	k->cpus = cpus;
	if (kallsyms_find(k->symbols, "__cpu_online_mask", &i))
		k->online_mask = kallsyms_address(k->symbols, i);
	return NULL;
}

/* page_offset_base holds it where KASLR may move it; the constants are arch/x86's. */
static struct err *adopt_direct_map(struct kernel *k)
{
	unsigned int i;

	k->direct_map = k->info.five_levels ? 0xff11000000000000ull : 0xffff888000000000ull;
	if (!kallsyms_find(k->symbols, "page_offset_base", &i))
		return NULL;
	return kernel_read_u64(k, kallsyms_address(k->symbols, i), &k->direct_map);
}

static void adopt_image(struct kernel *k)
{
	unsigned int i, last = kallsyms_count(k->symbols) - 1;

	if (!vmcoreinfo_symbol(k->vmcoreinfo, "_stext", &k->image_start))
		k->image_start = START_KERNEL_MAP;
	if (kallsyms_find(k->symbols, "_text", &i) &&
	    kallsyms_address(k->symbols, i) < k->image_start)
		k->image_start = kallsyms_address(k->symbols, i);
	k->image_end = kallsyms_address(k->symbols, last) + 1;
	if (kallsyms_find(k->symbols, "_end", &i))
		k->image_end = kallsyms_address(k->symbols, i);
}

static struct err *adopt(struct kernel *k, uint64_t hint)
{
	ERR_TRY(find_vmcoreinfo(k, hint));
	fill_info(k);
	ERR_TRY(adopt_kallsyms(k));
	adopt_image(k);
	ERR_TRY(adopt_types(k));
	ERR_TRY(adopt_percpu(k));
	ERR_TRY(adopt_direct_map(k));
	k->info.symbols = kallsyms_count(k->symbols);
	k->info.sched_ext = types_offset(k->types, "task_struct", "scx") >= 0;
	return NULL;
}

struct err *kernel_adopt(const struct ram *ram, uint64_t hint, struct kernel **ret)
{
	uint64_t start = host_now();
	struct kernel *k = calloc(1, sizeof(*k));
	struct err *err;

	if (!k)
		return err_nomem();
	k->ram = ram;
	err = adopt(k, hint);
	if (err) {
		kernel_destroy(k);
		return err;
	}
	/* The tables are copied: let go of the pages that reading them mapped. */
	kernel_drop_pages(k);
	k->info.adopt_ns = host_now() - start;
	*ret = k;
	return NULL;
}

void kernel_destroy(struct kernel *k)
{
	if (!k)
		return;
	kallsyms_destroy(k->symbols);
	types_destroy(k->types);
	free(k->percpu_offsets);
	free(k->vmcoreinfo);
	free(k);
}
