"""The goods side derived anew from what is stored of levels, orders and documents."""
