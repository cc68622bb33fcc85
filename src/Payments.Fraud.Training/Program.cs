using Payments.Fraud.Commands;
using Payments.Fraud.Training;

return FraudCommands.RunOnConsole(args, new HistogramTrainer(), new FastTreeTrainer());
