using Loadline.Measuring;
using Loadline.Unit.Tensors;

namespace Loadline.Unit.Measuring;

public class MeasurementTests
{
    [Fact]
    public void The_first_tensor_of_each_phase_is_told_at_once_also_where_it_is_the_same()
    {
        var events = new List<WorkerEvent>();
        using (var measurement = new Measurement(TestEngine.New(), events.Add, interval: TimeSpan.FromMinutes(1)))
        {
            measurement.Begin(cold: false);
            for (var round = 0; round < 3; round++)
            {
                foreach (var phase in (string[])["read", "copy"])
                {
                    measurement.Phase(phase);
                    measurement.Touches("w");
                }
            }
        }

        // Once for each name of a phase, however often it comes back: a sample reads files of the kernel.
        events.OfType<SampleEvent>().Select(s => s.Tensor).OfType<string>().Should().Equal("w", "w");
        events.OfType<PhaseEvent>().Should().HaveCount(6);
    }
}
