using Loadline.Strategies.TorchSharp;
using TorchSharp;

namespace Loadline.TorchSharpTests;

/// <summary>The device that <see cref="Skeleton.Build"/> changes is the process's: threads that build at once must not take one another's meta for it.</summary>
public class SkeletonThreadsTests
{
    [Fact]
    public void Two_that_build_at_once_take_turns_and_leave_the_device_as_it_was()
    {
        var before = torch.get_default_device();
        var isSecondIn = false;
        var wasSecondInMeanwhile = true;
        var second = new Thread(() => Skeleton.Build(() =>
        {
            isSecondIn = true;
            return torch.nn.Linear(1, 1);
        }).Dispose());

        Skeleton.Build(() =>
        {
            second.Start();
            // Either it waits for its turn, or it has none to wait for.
            while (!second.ThreadState.HasFlag(ThreadState.WaitSleepJoin) && !Volatile.Read(ref isSecondIn)) Thread.Yield();
            wasSecondInMeanwhile = Volatile.Read(ref isSecondIn);
            return torch.nn.Linear(1, 1);
        }).Dispose();
        second.Join();

        wasSecondInMeanwhile.Should().BeFalse();
        isSecondIn.Should().BeTrue();
        torch.get_default_device().ToString().Should().Be(before.ToString());
        using var made = torch.zeros(1);
        made.device_type.Should().Be(DeviceType.CPU);
    }
}
