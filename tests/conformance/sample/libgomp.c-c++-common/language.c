/* { dg-options "-DPLUSPLUS=1" { target c++ } } */
#ifndef __cplusplus
#define PLUSPLUS 0
#endif
int main(void)
{
    return PLUSPLUS == 1 ? 0 : sizeof(char) == sizeof('a');
}
