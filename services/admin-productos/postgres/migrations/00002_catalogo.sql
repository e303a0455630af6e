-- +goose Up
-- The catalogue: the products and quantities of the system that came before.
insert into producto (id, nombre, cantidad) values
	('1', 'Café de origen, 500 g', 500),
	('2', 'Panela orgánica, 1 kg', 400),
	('3', 'Chocolate de mesa, 250 g', 500),
	('4', 'Miel de páramo, 300 g', 300),
	('5', 'Arroz, 5 kg', 500),
	('6', 'Aceite de girasol, 3 l', 300),
	('7', 'Lentejas, 1 kg', 500),
	('8', 'Harina de maíz, 1 kg', 400),
	('9', 'Quinua real, 500 g', 100),
	('10', 'Galletas de avena, 6 unidades', 500),
	('11', 'Agua mineral, 600 ml', 1000),
	('12', 'Jabón de tocador, 3 unidades', 500),
	('13', 'Cafetera de prensa, 1 l', 50),
	('14', 'Molino de café manual', 10),
	('15', 'Tostadora de pan', 0),
	('16', 'Papel de cocina, 4 rollos', 500),
	('17', 'Detergente líquido, 2 l', 500),
	('18', 'Té de coca, 25 bolsas', 500);

insert into movimiento (id_producto, tipo, cantidad, quedan)
select id, 'INICIAL', cantidad, cantidad from producto order by length(id), id;
