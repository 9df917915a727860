# SPDX-License-Identifier: GPL-2.0-or-later
# One non-recursive build. `make help` lists the targets; O=DIR builds elsewhere; V=1 shows commands.

O ?= build
PREFIX ?= /usr/local
DESTDIR ?=
DATADIR ?= $(PREFIX)/share/ktdbg
PLUGINDIR ?= $(PREFIX)/lib/ktdbg
VERSION := $(shell cat VERSION)

CC ?= gcc
CFLAGS ?= -O2 -g
PKG_CONFIG ?= pkg-config
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
PKGS_coord := libbpf libelf libdw
PKGS_commands := readline
PKGS_tui := ncursesw
PKGS := $(foreach l,$(LAYERS),$(PKGS_$(l)))

ifeq ($(filter help clean dist format format-check check-layers,$(MAKECMDGOALS)),)
MISSING := $(foreach p,$(PKGS),$(if $(shell $(PKG_CONFIG) --exists $(p) && echo y),,$(p)))
ifneq ($(strip $(MISSING)),)
$(error pkg-config finds no $(MISSING): run ./bootstrap setup, or install the -dev packages of these)
endif
endif

KT_CFLAGS := -std=gnu11 -D_GNU_SOURCE -I. -I$(O)/gen -Wall -Wextra -Wno-unused-parameter -Wshadow \
	-Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings -fno-strict-aliasing -MMD -MP \
	$(shell $(PKG_CONFIG) --cflags $(PKGS))
KT_LIBS := $(shell $(PKG_CONFIG) --libs $(PKGS)) -lpthread -ldl
ifeq ($(WERROR),1)
KT_CFLAGS += -Werror
endif
ifneq ($(SANITIZE),)
KT_CFLAGS += -fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer
KT_LIBS += -fsanitize=$(SANITIZE)
endif

.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:

.PHONY: all
all: $(O)/ktdbg

# Generated: the version header.
$(O)/gen/version.h: VERSION Makefile
	@mkdir -p $(@D)
	$(Q)printf '#define KTDBG_VERSION "%s"\n#define KTDBG_DATADIR "%s"\n#define KTDBG_PLUGINDIR "%s"\n' \
		'$(VERSION)' '$(DATADIR)' '$(PLUGINDIR)' > $@

# One static library a layer.
define layer_rules
SRC_$(1) := $$(wildcard $(1)/*.c)
OBJ_$(1) := $$(SRC_$(1):%.c=$$(O)/%.o)
$$(O)/lib$(1).a: $$(OBJ_$(1))
	$$(say) AR $$@
	$$(Q)rm -f $$@ && $$(AR) rcs $$@ $$^
endef
$(foreach l,$(LAYERS),$(eval $(call layer_rules,$(l))))
ALL_OBJ := $(foreach l,$(LAYERS),$(OBJ_$(l))) $(O)/ktdbg.o
libs_of = $(foreach l,$(1),$(O)/lib$(l).a)
LIBS := $(call libs_of,tui commands coord vmm base)

$(O)/%.o: %.c $(O)/gen/version.h
	@mkdir -p $(@D)
	$(say) CC $<
	$(Q)$(CC) $(KT_CFLAGS) $(CFLAGS) -c -o $@ $<

$(O)/ktdbg: $(O)/ktdbg.o $(LIBS)
	$(say) LD $@
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(O)/ktdbg.o $(LIBS) $(KT_LIBS)

# What runs in the guest, and the QEMU plugins: each area brings its own rules.
-include guest/guest.mk vmm/plugin/plugin.mk

# Unit tests: tests/unit/LAYER/test_*.c, linked with that layer and those below it only.
BELOW_base := base
BELOW_vmm := vmm base
BELOW_coord := coord vmm base
BELOW_commands := commands coord vmm base
BELOW_tui := tui commands coord vmm base
CMOCKA_LIBS = $(shell $(PKG_CONFIG) --libs cmocka)

define unit_rules
TESTS_$(1) := $$(patsubst tests/%.c,$$(O)/tests/%,$$(wildcard tests/unit/$(1)/test_*.c))
$$(TESTS_$(1)): $$(O)/tests/unit/$(1)/%: $$(O)/tests/unit/$(1)/%.o $$(call libs_of,$$(BELOW_$(1)))
	$$(say) LD $$@
	$$(Q)$$(CC) $$(CFLAGS) $$(LDFLAGS) -o $$@ $$^ $$(KT_LIBS) $$(CMOCKA_LIBS)
.PHONY: check-unit-$(1)
check-unit-$(1): $$(TESTS_$(1))
	$$(Q)set -e; for t in $$^; do echo "== $$$$t"; $$$$t; done
endef
$(foreach l,$(LAYERS),$(eval $(call unit_rules,$(l))))

.PHONY: check-unit
check-unit: $(foreach l,$(LAYERS),check-unit-$(l))

-include tests/tests.mk

-include $(ALL_OBJ:.o=.d) $(patsubst %,%.d,$(foreach l,$(LAYERS),$(TESTS_$(l))))

.PHONY: clean
clean:
	rm -rf $(O)
