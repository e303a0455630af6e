"""Decides the reply to a command. It reserves nothing: the reservation in admin-productos decides."""

from dataclasses import dataclass, field

from consolidador.contract import MAX_TOTAL, DatosEvento, Faltante, Linea, PrecioFijado, ReplyType


@dataclass(frozen=True)
class Precio:
    precio: int  # minor units of moneda
    moneda: str


@dataclass(frozen=True)
class Shelf:
    existencias: dict[str, int] = field(default_factory=dict)  # units of each product that exists
    precios: dict[str, Precio] = field(default_factory=dict)  # of each product that had a price at the acceptance


def validate(id_compra: str, productos: list[Linea], shelf: Shelf) -> tuple[ReplyType, DatosEvento]:
    """The reply to ValidarInventario, from the present stock and the prices of the acceptance."""
    reply = DatosEvento(id_compra=id_compra, responde_a="ValidarInventario")
    for line in productos:
        if (found := shelf.existencias.get(line.id_producto, 0)) < line.cantidad:
            missing = Faltante(id_producto=line.id_producto, solicitada=line.cantidad, disponible=found)
            reply.faltantes.append(missing)
    if reply.faltantes:
        return "InventarioInsuficiente", reply
    prices = [shelf.precios.get(line.id_producto) for line in productos]
    currencies = {p.moneda if p else None for p in prices}
    if None in currencies or len(currencies) != 1:
        return "InventarioValidado", reply  # without a price
    priced = [(line, p) for line, p in zip(productos, prices, strict=True) if p]
    total = sum(line.cantidad * p.precio for line, p in priced)
    if total > MAX_TOTAL:
        return "TotalExcedido", reply
    reply.moneda, reply.total = priced[0][1].moneda, total
    reply.precios = [PrecioFijado(id_producto=line.id_producto, precio=p.precio) for line, p in priced]
    return "InventarioValidado", reply


def cancel(id_compra: str) -> tuple[ReplyType, DatosEvento]:
    """The reply to CancelarValidacionInventario. A validation changed nothing, so there is nothing to undo."""
    return "ValidacionCancelada", DatosEvento(id_compra=id_compra, responde_a="CancelarValidacionInventario")
