using Loadline.Checkpoints;
using Loadline.Strategies;
using Loadline.Tensors;
using Loadline.Tensors.Engines;
using Loadline.Unit.Faults;

namespace Loadline.Unit.Reading;

/// <remarks>PyTorch wrote the file with its storages in the order of their keys as text: 0, 1, 10, 11, 2.</remarks>
public sealed class ReadOrderTests
{
    [Theory]
    [InlineData("meta-assign", "cpu")]
    [InlineData("streamed", "cpu")]
    [InlineData("streamed", "sim:1GiB")]
    [InlineData("mmap-assign", "sim:1GiB")]
    public void A_file_that_does_not_follow_the_state_dict_is_read_forward(string strategy, string device)
    {
        var reads = new WatchedReads();
        using var checkpoint = Checkpoint.Open(Fixtures.Path("gpt2-tiny.pth"), reads);
        reads.Positions.Clear();

        using var model = Loader.Load(checkpoint, new LoadOptions { Strategy = strategy, Device = Device.Parse(device), Readers = 1 }, new NativeEngine());

        checkpoint.Storages.Select(s => s.Position).Should().NotBeInAscendingOrder();
        reads.Positions.Should().HaveCountGreaterThan(50).And.BeInAscendingOrder();
    }
}
