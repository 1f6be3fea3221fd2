using Loadline.Measuring;

namespace Loadline.Unit.Measuring;

public class FailureMessageTests
{
    // As libtorch 2.10 writes it through TorchSharp.
    private const string Libtorch =
        "[enforce fail at alloc_cpu.cpp:124] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate 4096 bytes.\n" +
        "Exception raised from alloc_cpu at /pytorch/c10/core/impl/alloc_cpu.cpp:124 (most recent call first):\nframe #0: c10::Error::Error() + 0x80";

    [Fact]
    public void Libtorch_s_own_stack_is_left_out() =>
        FailureMessage.Of(new InvalidOperationException(Libtorch), "error").Should()
            .Be("InvalidOperationException: [enforce fail at alloc_cpu.cpp:124] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate 4096 bytes.");

    [Fact]
    public void Too_little_memory_says_what_to_do() =>
        FailureMessage.Of(new OutOfMemoryException(), "error").Should().Be("there is not as much memory as this takes, or as .NET may use: raise the cap, or .NET's own limit");

    [Fact]
    public void What_was_foreseen_speaks_for_itself_on_one_line() =>
        FailureMessage.Of(new ArgumentException("first\nsecond"), "refused").Should().Be("first second");
}
