"""The list of stores (sklady): asked for by the newer list and the older tree at once."""

from typing import Final

from stock.warehouses.errors import WarehouseError
from stock.warehouses.pohoda.envelope import Answer, RequestItem, list_in
from stock.warehouses.pohoda.names import add, new, tag, text_at
from stock.warehouses.port import WarehouseInfo

_LIST: Final = "stores"
_TREE: Final = "storages"


def list_stores() -> list[RequestItem]:
    """Ask for the stores, and for the storage tree whose first level is the stores."""
    stores = new("lst:listStoreRequest", version="2.0", storeVersion="2.0")
    add(stores, "lst:requestStore")
    tree = new("lst:listStorageRequest", version="2.0")
    return [RequestItem(_LIST, stores), RequestItem(_TREE, tree)]


def stores_in(answer: Answer) -> list[WarehouseInfo]:
    """The stores. An older program that refuses the list still tells them by the tree."""
    try:
        listed = list_in(answer, _LIST, "lst:listStore")
    except WarehouseError:
        tree = list_in(answer, _TREE, "lst:listStorage")
        if tree is None:
            raise
        listed = None
    else:
        tree = list_in(answer, _TREE, "lst:listStorage") if listed is None else None
    if listed is not None:
        found = [
            (text_at(store, "sto:name"), text_at(store, "sto:text"))
            for store in listed.iterfind(tag("lst:store"))
        ]
    else:
        found = [
            (node.get("code", ""), node.get("name", ""))
            for node in (tree.iterfind(tag("lst:itemStorage")) if tree is not None else ())
        ]
    return [WarehouseInfo(code, name or code) for code, name in found if code]
