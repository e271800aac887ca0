dnl The OpenSSF compiler hardening guide's flags; one the compiler does not know is left out.
AC_DEFUN([CERTHALL_FLAG], [
  AC_MSG_CHECKING([whether $CC takes $2])
  certhall_saved="$CFLAGS"
  CFLAGS="$CFLAGS $$1 -Werror $2"
  AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])], [AC_MSG_RESULT([yes]); $1="$$1 $2"], [AC_MSG_RESULT([no])])
  CFLAGS="$certhall_saved"
])
AC_DEFUN([CERTHALL_HARDENING], [
  WARN_CFLAGS= HARDEN_CFLAGS= HARDEN_LDFLAGS=
  m4_foreach_w([flag], [-Wall -Wextra -Wformat -Wformat=2 -Wconversion -Wimplicit-fallthrough -Wshadow
    -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wtrampolines -Wbidi-chars=any
    -Werror=format-security -Werror=implicit -Werror=incompatible-pointer-types -Werror=int-conversion],
    [CERTHALL_FLAG([WARN_CFLAGS], m4_defn([flag]))])
  AS_IF([test "$enable_werror" = yes], [WARN_CFLAGS="$WARN_CFLAGS -Werror"])
  m4_foreach_w([flag], [-fstrict-flex-arrays=3 -fstack-clash-protection -fstack-protector-strong
    -fcf-protection=full -fno-delete-null-pointer-checks -fno-strict-overflow -fno-strict-aliasing
    -ftrivial-auto-var-init=zero -fzero-init-padding-bits=all -fexceptions -fPIE],
    [CERTHALL_FLAG([HARDEN_CFLAGS], m4_defn([flag]))])
  AS_IF([test "$enable_sanitizers" = yes],
    [HARDEN_CFLAGS="$HARDEN_CFLAGS -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer"
     HARDEN_LDFLAGS="-fsanitize=address,undefined"
     AS_IF([test "$enable_fuzzing" = yes], [HARDEN_CFLAGS="$HARDEN_CFLAGS -fsanitize=fuzzer-no-link"])],
    [HARDEN_CFLAGS="$HARDEN_CFLAGS -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3"])
  m4_foreach_w([flag], [-pie -Wl,-z,nodlopen -Wl,-z,noexecstack -Wl,-z,relro -Wl,-z,now -Wl,--as-needed -Wl,--no-copy-dt-needed-entries],
    [CERTHALL_FLAG([HARDEN_LDFLAGS], m4_defn([flag]))])
  AC_SUBST([WARN_CFLAGS])
  AC_SUBST([HARDEN_CFLAGS])
  AC_SUBST([HARDEN_LDFLAGS])
])
