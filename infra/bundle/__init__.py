"""What each function ships.

build     copies what a function of template.yaml needs
imports   finds the project's modules, packages and AWS services that it reaches
vendor    installs the locked distributions, and copies those in use
target    a Lambda runtime and processor, and the Python that compiles for it
elf       blanks what debuggers read in shared libraries
licences  lists under which licences that is
audit     asks for known vulnerabilities of what is locked
"""
