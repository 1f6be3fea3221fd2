using Loadline.Gauges;

namespace Loadline.Unit.Gauges;

public class MemoryClassesTests
{
    [Theory]
    [InlineData(60, 10, 0, 0, 0, 0, MemoryClass.Anonymous)]
    [InlineData(3, 60, 60, 0, 0, 0, MemoryClass.Shmem)]
    [InlineData(3, 60, 0, 56, 0, 0, MemoryClass.Locked)]
    [InlineData(3, 60, 0, 0, 50, 0, MemoryClass.Dirty)]
    [InlineData(3, 60, 0, 10, 10, 0, MemoryClass.PageCache)]
    [InlineData(3, 1, 0, 0, 0, 60, MemoryClass.Kernel)]
    public void The_class_that_met_the_cap_is_the_one_that_holds_most_of_what_cannot_be_taken_back(
        long anonymous, long cache, long shmem, long locked, long dirty, long kernel, MemoryClass foremost) => new MemoryClasses
        {
            AnonymousBytes = anonymous,
            PageCacheBytes = cache,
            ShmemBytes = shmem,
            LockedBytes = locked,
            DirtyBytes = dirty,
            KernelBytes = kernel,
        }.Foremost.Should().Be(foremost);

    [Fact]
    public void What_is_unknown_on_one_side_is_unknown_in_a_difference()
    {
        var now = new MemoryClasses { AnonymousBytes = 5, KernelBytes = 7 };
        var then = new MemoryClasses { AnonymousBytes = 9 };

        now.Since(then).Should().Be(new MemoryClasses { AnonymousBytes = -4 });
        now.Highest(then).Should().Be(new MemoryClasses { AnonymousBytes = 9 });
    }
}
