# find_package with components: all of them link, and one that does not exist is refused.

source "${BASH_SOURCE%/*}/common.sh"

build "$consumers/components" -DCMAKE_PREFIX_PATH="$ABELL_PREFIX" -DCONSUMER_SOURCE="$consumers/main.cpp"
"$work/build/consumer"
