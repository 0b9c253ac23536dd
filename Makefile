# SAM builds each function of template.yaml with the target build-<function> (BuildMethod: makefile).
# RUNTIME and ARCHITECTURE must equal the parameters Runtime and Architecture where those are given. SETTINGS is a
# file with the deployment's settings.
root := $(shell dirname "$(strip $(MAKEFILE_LIST))")
python := $(shell for candidate in "$(root)/.venv/bin/python" python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$candidate" && break; done)

build-%:
	@test -n "$(python)" || { echo "no Python 3.11 or newer found; install one" >&2; exit 1; }
	@cd "$(root)" && "$(python)" -m infra.bundle $* --into "$(ARTIFACTS_DIR)" \
		$(if $(RUNTIME),--runtime $(RUNTIME)) $(if $(ARCHITECTURE),--architecture $(ARCHITECTURE)) \
		$(if $(SETTINGS),--settings "$(SETTINGS)")
