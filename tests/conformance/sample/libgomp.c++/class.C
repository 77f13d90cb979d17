// { dg-additional-options "-std=c++17" }
#include <memory>

int main()
{
    auto value = std::make_unique<int>(0);
    return *value;
}
