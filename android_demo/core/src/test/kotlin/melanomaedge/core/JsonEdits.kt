package melanomaedge.core

/** Return the value at a path of keys and indices. */
fun Json.at(vararg path: Any): Json = path.fold(this) { json, step ->
    if (step is Int) (json as Json.Array).items[step] else (json as Json.Object).members.getValue(step as String)
}

/** Return a copy with another value at a path; a key that is not there is added. */
fun Json.with(vararg path: Any, value: Json): Json = changed(path.toList()) { value }!!

/** Return a copy without the key or item at a path. */
fun Json.without(vararg path: Any): Json = changed(path.toList()) { null }!!

private fun Json.changed(path: List<Any>, change: () -> Json?): Json? {
    if (path.isEmpty()) return change()
    val step = path.first()
    val rest = path.drop(1)
    if (step is Int) {
        val items = (this as Json.Array).items
        return Json.Array(items.mapIndexedNotNull { i, item -> if (i == step) item.changed(rest, change) else item })
    }
    val members = LinkedHashMap((this as Json.Object).members)
    val found = if (rest.isEmpty()) change() else members.getValue(step as String).changed(rest, change)
    if (found == null) members.remove(step as String) else members[step as String] = found
    return Json.Object(members)
}
