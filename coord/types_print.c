/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Types as C writes them. */
#include "coord/types_private.h"

#include <string.h>

/* Nested anonymous structs shown in full, and lines of one declaration. */
#define PRINT_NESTING 16
#define PRINT_LINES 20000
#define DECLARATOR_MAX 512
/* Parameters are spelled out in functions, and in functions that are their parameters. */
#define PARAMETERS_NESTING 2

/* A declarator grows on both sides of the name: "(*name[4])(int)". */
struct declarator {
	char text[DECLARATOR_MAX];
};

static void prepend(struct declarator *d, const char *text)
{
	size_t len = strlen(text), have = strlen(d->text);

	if (len + have >= sizeof(d->text))
		return;
	memmove(d->text + len, d->text, have + 1);
	memcpy(d->text, text, len);
}

static void append(struct declarator *d, const char *text)
{
	if (strlen(d->text) + strlen(text) < sizeof(d->text))
		strcat(d->text, text);
}

static void wrap_pointer(struct declarator *d)
{
	if (d->text[0] != '*')
		return;
	prepend(d, "(");
	append(d, ")");
}

static void append_parameters(const struct types *t, const struct btf_type *type,
			      unsigned int depth, struct declarator *d);

static const char *keyword(const struct btf_type *type)
{
	switch (btf_kind(type)) {
	case BTF_KIND_STRUCT:
		return "struct ";
	case BTF_KIND_UNION:
		return "union ";
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		return "enum ";
	case BTF_KIND_FWD:
		return btf_kflag(type) ? "union " : "struct ";
	default:
		return "";
	}
}

static void declare_base(const struct types *t, const struct btf_type *type, const char *qualifiers,
			 const struct declarator *d, struct str *s)
{
	const char *name = type ? types_text(t, type->name_off) : "void";
	const char *tag = type ? keyword(type) : "";

	str_addf(s, "%s%s%s", qualifiers, tag, *name ? name : "{...}");
	/* Nothing but stars and names is set off with a space; "[16]" too, for reading. */
	if (d->text[0])
		str_addf(s, " %s", d->text);
}

static const char *qualifier(const struct btf_type *type)
{
	switch (btf_kind(type)) {
	case BTF_KIND_CONST:
		return "const ";
	case BTF_KIND_VOLATILE:
		return "volatile ";
	default:
		return "";
	}
}

static void array_suffix(const struct btf_type *type, struct declarator *d)
{
	struct str text = {0};

	wrap_pointer(d);
	str_addf(&text, "[%u]", btf_array(type)->nelems);
	append(d, str_text(&text));
	str_deinit(&text);
}

/* Walk from the outermost type to the base, growing the declarator. */
static void declare(const struct types *t, uint32_t id, struct declarator *d, unsigned int depth,
		    struct str *s)
{
	char qualifiers[32] = "";

	for (unsigned int i = 0; i < 2 * TYPES_CHAIN; i++) {
		const struct btf_type *type = types_raw(t, id);

		/* Functions that return functions, without end. */
		if (strlen(d->text) > DECLARATOR_MAX - 64)
			break;
		if (type && btf_is_ptr(type)) {
			/* "char *const name": what qualified the pointer stands behind the star. */
			prepend(d, qualifiers);
			prepend(d, "*");
			qualifiers[0] = '\0';
		} else if (type && btf_is_array(type)) {
			array_suffix(type, d);
		} else if (type && btf_is_func_proto(type)) {
			wrap_pointer(d);
			append_parameters(t, type, depth, d);
		} else if (type && (btf_is_mod(type) || btf_is_type_tag(type))) {
			if (strlen(qualifiers) < 20)
				strcat(qualifiers, qualifier(type));
		} else {
			declare_base(t, type, qualifiers, d, s);
			return;
		}
		id = type->type;
		if (btf_is_array(type))
			id = btf_array(type)->type;
	}
	str_add(s, "...");
}

static void append_parameters(const struct types *t, const struct btf_type *type,
			      unsigned int depth, struct declarator *d)
{
	struct str list = {0};

	for (uint32_t i = 0; i < btf_vlen(type) && depth < PARAMETERS_NESTING && list.len < 300;
	     i++) {
		const struct btf_param *p = &btf_params(type)[i];
		struct declarator inner = {""};

		if (i)
			str_add(&list, ", ");
		append(&inner, types_text(t, p->name_off));
		if (!p->type && !p->name_off)
			str_add(&list, "...");
		else
			declare(t, p->type, &inner, depth + 1, &list);
	}
	if (depth >= PARAMETERS_NESTING || list.len >= 300)
		str_add(&list, ", ...");
	append(d, "(");
	append(d, list.len ? str_text(&list) : "void");
	append(d, ")");
	str_deinit(&list);
}

void types_declare(const struct types *t, uint32_t id, const char *name, struct str *s)
{
	struct declarator d = {""};

	append(&d, name);
	declare(t, id, &d, 0, s);
}

void types_name(const struct types *t, uint32_t id, struct str *s)
{
	const struct btf_type *type = types_raw(t, id);

	if (type && btf_is_func(type))
		id = type->type;
	types_declare(t, id, "", s);
}

struct printer {
	const struct types *types;
	struct str *s;
	unsigned int lines;
};

static void print_composite(struct printer *p, uint32_t id, uint64_t base, unsigned int depth);

static void indent(struct printer *p, unsigned int depth)
{
	for (unsigned int i = 0; i < depth; i++)
		str_add_c(p->s, '\t');
}

/* Members' places are shown as comments: offset in bytes (":bit" of a bit-field), size in bytes. */
static void print_place(struct printer *p, const struct member *m)
{
	if (m->bit_size)
		str_addf(p->s, "; /* %llu:%llu */\n", (unsigned long long)(m->bit_offset / 8),
			 (unsigned long long)(m->bit_offset % 8));
	else
		str_addf(p->s, "; /* %llu, %llu */\n", (unsigned long long)(m->bit_offset / 8),
			 (unsigned long long)types_size(p->types, m->type));
}

static bool is_anonymous(const struct types *t, uint32_t id)
{
	const struct btf_type *type = types_raw(t, id);

	return type && btf_is_composite(type) && !type->name_off;
}

static void print_member(struct printer *p, const char *name, const struct member *m,
			 unsigned int depth)
{
	indent(p, depth);
	if (is_anonymous(p->types, m->type) && depth < PRINT_NESTING) {
		print_composite(p, m->type, m->bit_offset, depth);
		str_addf(p->s, "%s%s", *name ? " " : "", name);
	} else {
		types_declare(p->types, m->type, name, p->s);
		if (m->bit_size)
			str_addf(p->s, " : %u", m->bit_size);
	}
	print_place(p, m);
}

static void print_composite(struct printer *p, uint32_t id, uint64_t base, unsigned int depth)
{
	const struct btf_type *type = types_raw(p->types, id);
	const char *name = types_text(p->types, type->name_off);
	struct member m;

	str_addf(p->s, "%s%s%s{\n", keyword(type), name, *name ? " " : "");
	for (unsigned int i = 0; types_member_at(p->types, id, i, &name, &m); i++) {
		if (++p->lines > PRINT_LINES)
			break;
		m.bit_offset += base;
		print_member(p, name, &m, depth + 1);
	}
	indent(p, depth);
	str_add_c(p->s, '}');
}

static void print_enum(struct printer *p, const struct btf_type *type)
{
	const char *name = types_text(p->types, type->name_off);

	str_addf(p->s, "enum %s%s{\n", name, *name ? " " : "");
	for (uint32_t i = 0; i < btf_vlen(type); i++) {
		uint32_t at = btf_is_enum64(type) ? btf_enum64(type)[i].name_off
						  : btf_enum(type)[i].name_off;

		str_addf(p->s, "\t%s = ", types_text(p->types, at));
		if (btf_is_enum64(type))
			str_addf(p->s, btf_kflag(type) ? "%lld,\n" : "%llu,\n",
				 (unsigned long long)btf_enum64_value(&btf_enum64(type)[i]));
		else if (btf_kflag(type))
			str_addf(p->s, "%d,\n", btf_enum(type)[i].val);
		else
			str_addf(p->s, "%u,\n", (uint32_t)btf_enum(type)[i].val);
	}
	str_add_c(p->s, '}');
}

/* The type itself, spelled out where it is a struct, a union or an enum. */
static void print_body(struct printer *p, uint32_t id)
{
	const struct btf_type *type = types_raw(p->types, id);

	if (type && btf_is_composite(type)) {
		print_composite(p, id, 0, 0);
		str_addf(p->s, "; /* size %u */", type->size);
	} else if (type && btf_is_any_enum(type)) {
		print_enum(p, type);
		str_addf(p->s, "; /* size %u */", type->size);
	} else {
		types_declare(p->types, id, "", p->s);
		str_addf(p->s, "; /* size %llu */", (unsigned long long)types_size(p->types, id));
	}
}

struct err *types_print(const struct types *t, uint32_t id, struct str *s)
{
	struct printer p = {.types = t, .s = s};
	const struct btf_type *type = types_raw(t, id);

	if (type && btf_is_typedef(type)) {
		str_add(s, "typedef ");
		types_declare(t, type->type, types_text(t, type->name_off), s);
		str_add(s, ";\n");
		id = types_resolve(t, id);
	}
	print_body(&p, id);
	return str_error(s);
}
