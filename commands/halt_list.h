/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What break, watchpoint, trigger and delete share: adding a halt and saying so, the list, and the words of
 * a run that one ended.
 */
#ifndef COMMANDS_HALT_LIST_H
#define COMMANDS_HALT_LIST_H

#include "commands/command.h"
#include "coord/halts.h"

/* Takes the context also when it fails. Prints "3: break schedule". */
struct err *halt_add(struct session *s, const struct halt_spec *spec, struct out *out)
	__attribute__((warn_unused_result));
/* All, or those whose text begins with the word `kind`. */
struct err *halt_list(struct session *s, const char *kind, struct out *out)
	__attribute__((warn_unused_result));
/* By number, for each word. */
struct err *halt_delete(struct session *s, const struct command_line *line, struct out *out)
	__attribute__((warn_unused_result));
/* After a run that heeded halts: which one ended it, if one did. True then. */
bool halt_report(struct session *s, struct out *out);

/* Prompt and screen, when idle: why a guest that ran freely froze by itself, once; NULL: it did not. The
 * freeze goes into the recording, where a replay finds the same instant. Caller frees. */
char *halt_take(struct session *s);
/*
 * After a trigger has frozen the guest, `why` by halt_take()'s words: its dump (commands/dump_file.h), into
 * --dump-dir, or, at the prompt and on the screen, as the one "trigger.json" in the user's state. The path, with
 * which `why` may be told; NULL: no dump is wanted of it, or none could be written, which the log has. Caller frees.
 */
char *halt_dump(struct session *s, const char *why);
/* The triggers that a person wants on before he knows it: exit, panic, stall; as commands, so that they are
 * recorded. What the machine or the kernel has no way to see is left out. */
void halt_defaults(struct session *s);

#endif
