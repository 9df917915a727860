# SPDX-License-Identifier: GPL-2.0-or-later
# One non-recursive build. `make help` lists the targets; O=DIR builds elsewhere; V=1 shows commands.

PREFIX ?= /usr/local
DESTDIR ?=
BINDIR ?= $(PREFIX)/bin
MANDIR ?= $(PREFIX)/share/man
DATADIR ?= $(PREFIX)/share/ktdbg
PLUGINDIR ?= $(PREFIX)/lib/ktdbg
VERSION := $(shell cat VERSION)

# A build with sanitizers has a folder of its own, unless O= says which.
comma := ,
O ?= build$(if $(SANITIZE),-$(subst $(comma),-,$(SANITIZE)))

CC ?= gcc
CFLAGS ?= -O2 -g
PKG_CONFIG ?= pkg-config
INSTALL ?= install
CLANG_BPF ?= $(firstword $(shell command -v clang-19 clang-20 clang-21 clang-18 clang 2>/dev/null))

LAYERS := base vmm coord commands tui

ifeq ($(V),1)
Q :=
say = @:
else
Q := @
say = @printf '  %-8s %s\n'
endif

# Libraries, by the layer that first needs them.
PKGS_base := nettle
PKGS_vmm := json-c libarchive
PKGS_coord := libbpf libelf libdw capstone
PKGS_commands := readline
PKGS_tui := ncursesw
PKGS := $(foreach l,$(LAYERS),$(PKGS_$(l)))

# Goals that compile nothing do without the libraries.
NO_PKGS_GOALS := help clean dist format format-check check-layers shellcheck
ifneq ($(filter-out $(NO_PKGS_GOALS),$(or $(MAKECMDGOALS),all)),)
MISSING := $(foreach p,$(PKGS),$(if $(shell $(PKG_CONFIG) --exists $(p) && echo y),,$(p)))
ifneq ($(strip $(MISSING)),)
$(error pkg-config finds no $(MISSING): run ./bootstrap setup, or install the -dev packages of these)
endif
endif

# gcc cannot see that an out parameter is set whenever the error is NULL.
KT_CFLAGS := -std=gnu11 -D_GNU_SOURCE -I. -I$(O)/gen -Wall -Wextra -Wno-unused-parameter -Wshadow \
	-Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings -fno-strict-aliasing -MMD -MP \
	$(shell $(PKG_CONFIG) --cflags $(PKGS) 2>/dev/null)
KT_LIBS := $(shell $(PKG_CONFIG) --libs $(PKGS) 2>/dev/null) -lpthread -ldl
# gcc takes an out parameter that an early return leaves unset for one that is used, and, differently in
# each version, bounded copies for mistakes.
ifeq ($(findstring clang,$(shell $(CC) --version 2>/dev/null)),)
KT_CFLAGS += -Wno-maybe-uninitialized -Wno-format-truncation -Wno-stringop-truncation
endif
ifeq ($(WERROR),1)
KT_CFLAGS += -Werror
endif
ifneq ($(SANITIZE),)
KT_CFLAGS += -fsanitize=$(SANITIZE) -fno-sanitize-recover=undefined -fno-omit-frame-pointer
KT_LIBS += -fsanitize=$(SANITIZE)
endif

.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:

.PHONY: all
all: $(O)/ktdbg ## the program, the guest's image and the plugins (default)

# Generated files that hold a fact (version, flags, list of sources): rewritten only when it changed, so
# that what depends on them is rebuilt then and only then. $(1) is the shell command that prints it.
.PHONY: FORCE
FORCE:
when_changed = @mkdir -p $(@D); $(1) > $@.new; cmp -s $@.new $@ && rm -f $@.new || mv $@.new $@

$(O)/gen/version.h: FORCE
	$(call when_changed,printf '#define KTDBG_VERSION "%s"\n#define KTDBG_DATADIR "%s"\n#define KTDBG_PLUGINDIR "%s"\n' \
		'$(VERSION)' '$(DATADIR)' '$(PLUGINDIR)')
$(O)/gen/flags: FORCE
	$(call when_changed,printf '%s\n' '$(subst ','\'',$(CC) $(KT_CFLAGS) $(CPPFLAGS) $(CFLAGS))')

# One static library a layer; made anew when a source has come or gone.
define layer_rules
SRC_$(1) := $$(wildcard $(1)/*.c $(1)/kvm/*.c)
OBJ_$(1) := $$(SRC_$(1):%.c=$$(O)/%.o)
$$(O)/gen/$(1).list: FORCE
	$$(call when_changed,printf '%s\n' '$$(SRC_$(1))')
$$(O)/lib$(1).a: $$(OBJ_$(1)) $$(O)/gen/$(1).list
	$$(say) AR $$@
	$$(Q)rm -f $$@ && $$(AR) rcs $$@ $$(OBJ_$(1))
endef
$(foreach l,$(LAYERS),$(eval $(call layer_rules,$(l))))
ALL_OBJ := $(foreach l,$(LAYERS),$(OBJ_$(l))) $(O)/ktdbg.o
libs_of = $(foreach l,$(1),$(O)/lib$(l).a)
LIBS := $(call libs_of,tui commands coord vmm base)

$(O)/%.o: %.c $(O)/gen/flags | $(O)/gen/version.h
	@mkdir -p $(@D)
	$(say) CC $<
	$(Q)$(CC) $(KT_CFLAGS) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

$(O)/ktdbg: $(O)/ktdbg.o $(LIBS)
	$(say) LD $@
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(O)/ktdbg.o $(LIBS) $(KT_LIBS)

# What runs in the guest, and the QEMU plugins: each area brings its own rules and adds what it makes to
# `all`.
-include guest/guest.mk vmm/plugin/plugin.mk
DATA_FILES := $(O)/initramfs.cpio
PLUGIN_FILES := $(VCLOCK_PLUGINS) $(TEXT_PLUGIN)

include tests/tests.mk tests/damage/damage.mk
-include bench/bench.mk

-include $(ALL_OBJ:.o=.d) $(TEST_OBJ:.o=.d)

.PHONY: man
man: $(O)/ktdbg ## write man/ktdbg.1 anew from the command table
	$(say) GEN man/ktdbg.1
	$(Q)$(O)/ktdbg --man > $(O)/ktdbg.1 && mv $(O)/ktdbg.1 man/ktdbg.1

.PHONY: install uninstall
install: all ## PREFIX=/usr/local, DESTDIR=
	$(INSTALL) -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(DATADIR) $(DESTDIR)$(PLUGINDIR) \
		$(DESTDIR)$(MANDIR)/man1 $(DESTDIR)$(MANDIR)/man5
	$(INSTALL) -m 755 $(O)/ktdbg $(DESTDIR)$(BINDIR)/ktdbg
	$(INSTALL) -m 644 $(DATA_FILES) $(DESTDIR)$(DATADIR)
	$(INSTALL) -m 755 $(PLUGIN_FILES) $(DESTDIR)$(PLUGINDIR)
	$(INSTALL) -m 644 man/ktdbg.1 $(DESTDIR)$(MANDIR)/man1/ktdbg.1
	$(INSTALL) -m 644 man/ktdbg-recording.5 $(DESTDIR)$(MANDIR)/man5/ktdbg-recording.5
uninstall: ## takes away what install put there
	rm -f $(DESTDIR)$(BINDIR)/ktdbg $(DESTDIR)$(MANDIR)/man1/ktdbg.1 \
		$(DESTDIR)$(MANDIR)/man5/ktdbg-recording.5
	rm -rf $(DESTDIR)$(DATADIR) $(DESTDIR)$(PLUGINDIR)

.PHONY: dist
dist: ## ktdbg-VERSION.tar.gz of what is committed
	git archive --format=tar.gz --prefix=ktdbg-$(VERSION)/ -o ktdbg-$(VERSION).tar.gz HEAD

# A database for editors and clang-tidy: one command a source file.
compile_commands.json: $(O)/gen/flags $(O)/gen/version.h ## for editors and clang-tidy
	$(say) GEN $@
	$(Q){ sep='['; for f in $(foreach l,$(LAYERS),$(SRC_$(l))) $(wildcard ktdbg.c); do \
		printf '%s\n{"directory":"%s","file":"%s","command":"%s"}' "$$sep" '$(CURDIR)' "$$f" \
			'$(subst ",\\",$(CC) $(filter-out -MMD -MP,$(KT_CFLAGS)) $(CFLAGS)) -c '"$$f"; sep=','; \
	done; printf '\n]\n'; } > $@.new && mv $@.new $@

C_FILES = $(shell git ls-files '*.[ch]')
CLANG_FORMAT ?= clang-format
.PHONY: format format-check
format: ## clang-format in place
	$(CLANG_FORMAT) -i $(C_FILES)
format-check: ## what clang-format would change
	$(CLANG_FORMAT) --dry-run -Werror $(C_FILES)

.PHONY: clean
clean: ## removes the build folder
	rm -rf $(O)

.PHONY: help
help: ## this
	@echo 'make [TARGET] [O=DIR] [V=1] [CC=] [CFLAGS=] [SANITIZE=address,undefined] [WERROR=1]'
	@cat Makefile tests/tests.mk tests/damage/damage.mk bench/bench.mk 2>/dev/null | \
		sed -nE 's/^([a-z_.-]+):[^#]*## (.*)/  \1|\2/p' | awk -F'|' '{ printf "%-24s %s\n", $$1, $$2 }'
