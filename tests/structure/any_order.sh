# Every header in one unit, in three orders (by path, reversed, by file name), each unit linked into
# one program: no header leans on what another one includes, and no function is defined twice.

source "${BASH_SOURCE%/*}/compile.sh"

cd "$ABELL_SOURCE/include"
find abell -name '*.hpp' | LC_ALL=C sort >"$work/by_path"
tac "$work/by_path" >"$work/reversed"
awk -F/ '{ print $NF, $0 }' "$work/by_path" | LC_ALL=C sort | cut -d' ' -f2 >"$work/by_name"
for order in by_path reversed by_name; do
  sed 's/.*/#include <&>/' "$work/$order" >"$work/$order.cpp"
done
echo 'int main() {}' >>"$work/by_path.cpp"
for order in by_path reversed by_name; do
  compile -c "$work/$order.cpp" -o "$work/$order.o" || fail "headers do not compile in the order $order"
done
compile "$work"/*.o $ABELL_LIBRARIES -o "$work/program"
"$work/program"
