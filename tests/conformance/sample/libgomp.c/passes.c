/* A file without directives is a test that runs. */
int main(void)
{
    return 0;
}
