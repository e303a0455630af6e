package contracts

import (
	"maps"
	"slices"
)

// The limits of a message in time.
const (
	MaxCommandAge = Retention // an older command is refused: no topic keeps messages that long, and its stored reply may be gone
	MaxTries      = 10        // how often a message is tried that fails for another reason than trouble of the infrastructure
)

// Content has the rules of one type of message that the Avro schema of its topic cannot express: the replies to a command, and which fields
// of data are required, empty or ignored. A field in none of the lists may be empty. `make generate` copies the rules into asyncapi.yaml;
// tests compare them with the checks of each reader.
type Content struct {
	About   string
	Replies []MessageType // the allowed replies to a command; the first one accepts
	Must    []string      // fields that must not be empty
	Never   []string      // fields that must be empty
	Ignored []string      // fields that the reader does not look at
	Expires bool          // the reader refuses it when it is older than MaxCommandAge
}

// Contents has the Content of each message.
var Contents = map[MessageType]Content{
	CrearCompra:    {Expires: true, About: "Accept a purchase. direccion goes only with domicilio, and is complete; tienda goes only without it.", Must: []string{"id_compra", "id_usuario", "productos"}},
	CancelarCompra: {About: "Cancel a purchase. It may come before CrearCompra.", Must: []string{"id_compra", "id_usuario"}, Ignored: []string{"domicilio", "direccion", "tienda"}},

	ValidarInventario: {
		About: "Is there enough stock of each product, and what does the purchase cost?", Must: []string{"id_compra", "productos"},
		Replies: []MessageType{InventarioValidado, InventarioInsuficiente, TotalExcedido},
	},
	CancelarValidacionInventario: {About: "The rollback of ValidarInventario. It changes nothing.", Must: []string{"id_compra"}, Ignored: []string{"aceptada_en"}, Replies: []MessageType{ValidacionCancelada}},
	InventarioValidado:           {About: "There is enough of everything. The amounts are there where each line has a price, in one currency: moneda, total and precios together.", Must: []string{"id_compra", "responde_a"}, Never: []string{"faltantes"}},
	InventarioInsuficiente:       {About: "There is not enough of the products in faltantes.", Must: []string{"id_compra", "responde_a", "faltantes"}, Never: []string{"moneda", "total", "precios"}},
	TotalExcedido:                {About: "The purchase would cost more than total can say.", Must: []string{"id_compra", "responde_a"}, Never: []string{"faltantes", "moneda", "total", "precios"}},
	ValidacionCancelada:          {About: "The rollback is confirmed.", Must: []string{"id_compra", "responde_a"}, Never: []string{"faltantes", "moneda", "total", "precios"}},

	ReservarProducto:    {Expires: true, About: "Reserve the units of all lines, or none.", Must: []string{"id_compra", "productos"}, Replies: []MessageType{ProductosReservados, ReservaRechazada}},
	LiberarReserva:      {Expires: true, About: "The rollback of ReservarProducto. It may come first; then it is done, and a later ReservarProducto is refused. ReservaDespachada: the units have left.", Must: []string{"id_compra"}, Replies: []MessageType{ReservaLiberada, ReservaDespachada}},
	DespacharReserva:    {Expires: true, About: "The reserved units have left the warehouse. ReservaRechazada: nothing is reserved.", Must: []string{"id_compra"}, Replies: []MessageType{ReservaDespachada, ReservaRechazada}},
	ProductosReservados: {About: "The units are reserved.", Must: []string{"id_compra", "responde_a"}, Never: []string{"faltantes"}},
	ReservaRechazada:    {About: "Nothing is reserved, or nothing was there to dispatch.", Must: []string{"id_compra", "responde_a"}},
	ReservaLiberada:     {About: "The units are on the shelf again, or never left it.", Must: []string{"id_compra", "responde_a"}, Never: []string{"faltantes"}},
	ReservaDespachada:   {About: "The units have left the warehouse.", Must: []string{"id_compra", "responde_a"}, Never: []string{"faltantes"}},

	CrearOrden: {
		Expires: true, About: "Create the order of a purchase.", Must: []string{"id_compra", "id_usuario", "productos"},
		Replies: []MessageType{OrdenCreada, OrdenRechazada},
	},
	CancelarOrden: {
		Expires: true, About: "The rollback of CrearOrden. It carries the purchase without codigo and amounts, or only id_compra. It may come first; then it is done, and a later CrearOrden is refused. OrdenDespachada: the order has left.",
		Must: []string{"id_compra"}, Ignored: []string{"domicilio", "direccion", "tienda", "moneda", "total", "precios", "codigo"},
		Replies: []MessageType{OrdenCancelada, OrdenDespachada},
	},
	OrdenCreada:     {About: "The order is created.", Must: []string{"id_compra", "responde_a", "id_orden"}},
	OrdenRechazada:  {About: "There is no order, and there will be none.", Must: []string{"id_compra", "responde_a"}, Never: []string{"id_orden"}},
	OrdenCancelada:  {About: "The order is cancelled; id_orden is empty where there was none.", Must: []string{"id_compra", "responde_a"}},
	OrdenDespachada: {About: "The order has left the warehouse: the reply to CancelarOrden, or without responde_a the event that a person dispatched it (then sujeto and rol name the person).", Must: []string{"id_compra", "id_orden"}},

	CompraActualizada: {About: "The state of a purchase, with its whole history. numero counts up: a reader ignores an event that is not newer than what it has.", Must: []string{"id_compra", "numero", "estado", "id_usuario", "productos", "historia"}},
}

// Answers returns the commands to which t is an allowed reply, in the order of Topics.
func Answers(t MessageType) (commands []MessageType) {
	for _, topic := range Topics {
		for _, command := range topic.Messages {
			if slices.Contains(Contents[command].Replies, t) {
				commands = append(commands, command)
			}
		}
	}
	return commands
}

// Bound limits a field of a record, with the names of JSON Schema. Lengths are in characters (code points). A zero field limits nothing.
type Bound struct {
	Format               string // FormatLine, FormatText
	Pattern              string
	MinLength, MaxLength int
	Minimum, Maximum     int64 // only together; a Maximum of 0 limits nothing
	MaxItems             int
	Unique               string // the field that differs in each item
	Enum                 []string
}

// The formats of texts in asyncapi.yaml.
const (
	FormatText = "free-text" // UTF-8 without control characters: those of Unicode's Cc and Cf, but for line breaks, tabs, joiners and tags
	FormatLine = "line"      // free text without line breaks and tabs, and without spaces at its ends
)

const uuidPattern = `[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`

// EnvelopeBounds has the bound of each field of the envelope that has one.
var EnvelopeBounds = map[string]Bound{
	"id":              {MinLength: 1, MaxLength: maxRecordID},
	"time":            instant,
	"ingestion":       instant,
	"type":            {MinLength: 1, MaxLength: maxEnvelope, Format: FormatText},
	"specversion":     {MaxLength: maxEnvelope, Format: FormatText},
	"datacontenttype": {MaxLength: maxEnvelope, Format: FormatText},
	"service_name":    {MaxLength: maxEnvelope, Format: FormatText},
}

var instant = Bound{Maximum: maxInstant}

// bounds has the bound of a field in all records, or in one: "DatosEventoCompra.motivo".
var bounds = map[string]Bound{
	"id_compra":    {Pattern: "^" + uuidPattern + "$"},
	"id_orden":     {Pattern: "^(" + uuidPattern + ")?$"},
	"id_usuario":   {MaxLength: MaxIdentifier, Format: FormatLine},
	"id_producto":  {MinLength: 1, MaxLength: MaxIdentifier, Format: FormatLine},
	"productos":    {MaxItems: MaxLineas, Unique: "id_producto"},
	"cantidad":     {Minimum: 1, Maximum: MaxCantidad},
	"motivo":       {MaxLength: MaxMotivo, Format: FormatText},
	"destinatario": {MaxLength: MaxDestinatario, Format: FormatLine},
	"calle":        {MaxLength: MaxCalle, Format: FormatLine},
	"ciudad":       {MaxLength: MaxCiudad, Format: FormatLine},
	"telefono":     {MaxLength: maxTelefono, Pattern: "^([0-9+()-][0-9 +()-]{5,18}[0-9+()-])?$"},
	"tienda":       {MaxLength: MaxIdentifier, Format: FormatLine},
	"sujeto":       {MaxLength: MaxIdentifier, Format: FormatLine},
	"rol":          {Enum: []string{"", RolCliente, RolOperador}},
	"aceptada_en":  instant,
	"moneda":       {Enum: append([]string{""}, slices.Sorted(maps.Keys(Monedas))...)},
	"total":        {Maximum: MaxTotal},
	"precios":      {MaxItems: MaxLineas},
	"precio":       {Minimum: 1, Maximum: MaxPrecio},
	"codigo":       {MaxLength: codigoLength, Pattern: "^([" + codigoAlphabet + "]{8})?$"},
	"faltantes":    {MaxItems: MaxLineas, Unique: "id_producto"},
	"solicitada":   {Minimum: 1, Maximum: MaxCantidad},
	"disponible":   {Maximum: MaxCantidad - 1},

	"DatosComandoGestorCompra.tienda": {Enum: tiendaIDs()},

	"DatosEventoCompra.motivo": {MaxLength: MaxDetail, Format: FormatText},
	"estado":                   {Enum: texts(Estados)},
	"creada_en":                instant,
	"actualizada_en":           instant,
	"historia":                 {MaxItems: MaxHistory},
	"autores":                  {MaxItems: MaxHistory},
	"paso":                     {MinLength: 1, MaxLength: MaxIdentifier, Format: FormatLine},
	"tipo":                     {MaxLength: MaxIdentifier, Format: FormatText},
	"en":                       instant,
	"detalle":                  {MaxLength: MaxDetail, Format: FormatText},
	"Autor.sujeto":             {MinLength: 1, MaxLength: MaxIdentifier, Format: FormatLine},
	"Autor.rol":                {Enum: []string{RolCliente, RolOperador}},
}

// BoundOf returns the bound of a field of an Avro record; zero where it has none.
func BoundOf(record, field string) Bound {
	if b, own := bounds[record+"."+field]; own {
		return b
	}
	return bounds[field]
}

func tiendaIDs() []string {
	ids := []string{""}
	for _, t := range Tiendas {
		ids = append(ids, t.ID)
	}
	return ids
}

func texts[T ~string](values []T) (all []string) {
	for _, v := range values {
		all = append(all, string(v))
	}
	return all
}
