"""`lst:listStoreRequest` and the older `lst:listStorageRequest`: stores and their tree."""

from sandbox.pohoda import queries, reading
from sandbox.pohoda.context import Context, list_answer
from sandbox.pohoda.lookup import find_store
from sandbox.pohoda.markup import element, leaf
from sandbox.pohoda.packs import ItemAnswer, PackItem
from sandbox.pohoda.records import Branch


def answer_stores(context: Context, item: PackItem) -> ItemAnswer:
    """List the stores."""
    request = reading.child(item.agenda, "lst:requestStore")
    if request is not None:
        reading.refuse_foreign_filters(request)
    page = reading.page(reading.child(item.agenda, "lst:limit"))
    wanted = reading.integer(item.agenda, "lst:requestStore/ftr:filter/ftr:id")
    rows = "".join(
        element(
            "lst:store",
            leaf("sto:id", store.id)
            + leaf("sto:name", store.name)
            + leaf("sto:text", store.text)
            + leaf("sto:allowNegInvBalance", store.allow_negative),
            version="2.0",
        )
        for store in queries.page_of(context.company.stores, page)
        if wanted in (None, store.id)
    )
    return list_answer(context, "lst:listStore", rows)


def answer_tree(context: Context, item: PackItem) -> ItemAnswer:
    """List the tree of stores and branches, of the stores asked for or of all."""
    company = context.company
    wanted = [
        find_store(company, reading.integer(named, "typ:id"), reading.text(named, "typ:ids"))
        for named in reading.children(item.agenda, "lst:stores/lst:store")
    ]
    stores = [store for store in wanted if store] if wanted else list(company.stores)
    branches = sorted(company.branches, key=lambda branch: branch.path)
    rows = ""
    for store in stores:
        (root,) = company.branches.find("path", store.name)
        rows += _node(root, branches, {"idStore": str(store.id), "name": store.text})
    return list_answer(context, "lst:listStorage", rows)


def _node(branch: Branch, branches: list[Branch], more: dict[str, str]) -> str:
    """Write a node with all that stands below it."""
    name = branch.path.rpartition("/")[2]
    below = "".join(
        _node(child, branches, {"name": child.path.rpartition("/")[2]})
        for child in branches
        if child.path.rpartition("/")[0] == branch.path
    )
    return element(
        "lst:itemStorage",
        element("lst:subStorages", below) if below else "",
        id=str(branch.id),
        code=name,
        **more,
    )
