/* { dg-do compile } */
what is only compiled is no test here
