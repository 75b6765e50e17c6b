# abell's own tree inside another project.

source "${BASH_SOURCE%/*}/common.sh"

build "$consumers/add_subdirectory" -DABELL_SOURCE="$ABELL_SOURCE" -DCONSUMER_SOURCE="$consumers/main.cpp"
"$work/build/consumer"
