/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/cold_show.h"

#include "commands/cold_words.h"
#include "commands/show.h"
#include "coord/coord.h"

static struct err *resolve_number(void *context, const char *word, int64_t *ret)
{
	return show_number(context, word, ret);
}

static struct err *resolve_address(void *context, const char *word, int64_t *ret)
{
	return show_address(context, word, (uint64_t *)ret);
}

struct err *cold_show_parse(struct session *s, bool write, unsigned int count, char *const *words,
			    struct cold_op *ret)
{
	const struct cold_resolver resolver = {resolve_number, resolve_address, s};

	return cold_words_parse(write, count, words, &resolver, ret);
}

/* A number where there is one, shown as the reply has it. */
static struct out_value reply_value(const struct value *v, const char *text)
{
	struct out_value out = out_string(text);

	if (v->kind == VALUE_NUMBER) {
		out.kind = v->is_unsigned ? OUT_U64 : OUT_S64;
		out.u64 = v->number;
	}
	return out;
}

void cold_show_reply(const struct cold_reply *reply, struct out *out)
{
	struct out_value value = reply_value(&reply->value, reply->text);
	struct out_value old = reply_value(&reply->old, reply->old_text);

	out_reply(out, reply->tag, reply->type, reply->is_write ? &old : NULL, &value, reply->note);
}

struct err *cold_show_run(struct session *s, bool write, unsigned int count, char *const *words,
			  struct out *out)
{
	struct cold_reply reply;
	struct cold_op op;

	ERR_TRY(cold_show_parse(s, write, count, words, &op));
	ERR_TRY(cold_run(coord_cold(session_coord(s)), &op, &reply));
	cold_show_reply(&reply, out);
	return NULL;
}
